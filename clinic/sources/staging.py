"""
Folders for what is fetched: home/sources/NAME/PROCESS-…, for our account alone, gone when it is imported.

A program that was killed leaves its folder; the next one that opens the record removes it
(`clinic.record.private.sweep`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from clinic.record.private import SOURCES, close_folder


def begin_staging(home: Path, name: str) -> Path:
    """A new folder for what is fetched from a source."""
    parent = home / SOURCES / name
    for folder in (parent.parent, parent):
        close_folder(folder)
    return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))


def end_staging(folder: Path) -> None:
    """Remove it and all that is in it. Again: nothing."""
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def staging(home: Path, name: str) -> Iterator[Path]:
    """A folder for what is fetched from a source, removed at the end."""
    folder = begin_staging(home, name)
    try:
        yield folder
    finally:
        end_staging(folder)
