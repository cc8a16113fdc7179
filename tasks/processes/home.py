"""Where our packages lie, which code they are, and where Prefect's files of an installation are."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Final

from clinic.settings import Settings

# What our packages lie in: a clone, or the environment that a wheel was installed to
ROOT: Final = Path(__file__).resolve().parents[2]
_SOURCES: Final = ("clinic", "data_checks", "tasks", "flows", "cli")


def code() -> str:
    """Another one whenever a source of ours, or Prefect, is another; no source is read for it."""
    digest = hashlib.sha256(f"{ROOT} {version('prefect')}".encode())
    for source in sorted(path for name in _SOURCES for path in (ROOT / name).rglob("*.py")):
        about = source.stat()
        digest.update(f"{source} {about.st_size} {about.st_mtime_ns}".encode())
    return digest.hexdigest()


def prefect_home(settings: Settings) -> Path:
    """Where Prefect keeps its files: in the installation's home, never in the user's."""
    return settings.home.resolve() / "prefect"
