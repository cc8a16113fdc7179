"""Files of ours that pages are made with: style, scripts, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

_STATIC: Final = Path(__file__).parent.parent / "static"


def own_files() -> ASGIApp:
    """Them, packed. Pages are not: a secret would be packed with what somebody typed (BREACH)."""
    return GZipMiddleware(StaticFiles(directory=_STATIC), minimum_size=1_000)
