"""
Folders for what is fetched: home/sources/NAME/PROCESS-…, for our account alone, gone when it is imported.

A program that was killed leaves its folder; the next one that opens the record removes it
(`clinic.record.private.sweep`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from clinic.record.private import SOURCES, begin_working, close_folder, end_working


def begin_staging(home: Path, name: str) -> Path:
    """A new folder for what is fetched from a source."""
    close_folder(home / SOURCES)
    return begin_working(home / SOURCES / name)


def end_staging(folder: Path) -> None:
    """Remove it and all that is in it. Again: nothing."""
    end_working(folder)


@contextlib.contextmanager
def staging(home: Path, name: str) -> Iterator[Path]:
    """A folder for what is fetched from a source, removed at the end."""
    folder = begin_staging(home, name)
    try:
        yield folder
    finally:
        end_staging(folder)
