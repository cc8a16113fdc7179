"""Where Prefect's files of an installation are; what knows the environment and the identity both begin here."""

from __future__ import annotations

from pathlib import Path

from clinic.settings import Settings


def prefect_home(settings: Settings) -> Path:
    """Where Prefect keeps its files: in the installation's home, never in the user's."""
    return settings.home.resolve() / "prefect"
