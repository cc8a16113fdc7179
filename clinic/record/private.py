"""
Files and folders that hold patients' data: for the account that runs Cohort, and nobody else.

Whatever the umask of who starts it: files are 0600 and folders 0700, an existing one is tightened, and
drafts of a program that was killed are removed by the next one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

OWNER_ONLY: Final = 0o077
_DRAFTS: Final = "drafts"
SOURCES: Final = "sources"  # what is fetched from other systems, until it is imported
_LONGEST: Final = 86_400  # seconds; no program works on such a folder for longer


def keep_to_owner() -> None:
    """Let this process, and all that it starts, make files that only its own account can read."""
    os.umask(OWNER_ONLY)


@contextlib.contextmanager
def open_private(path: Path, *, encoding: str = "utf-8-sig") -> Iterator[TextIO]:
    """A text file to be rewritten, closed to others also if it was there and open to them."""
    with open(claim(path), "w", encoding=encoding, newline="") as file:
        yield file


def claim(path: Path) -> int:
    """An empty file for this account alone, as an open descriptor."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    # A device or a pipe keeps its mode; a file is closed before anything is in it
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
    return descriptor


def close_folder(folder: Path) -> bool:
    """Make a folder, or close it to others; whether it was there and open to them."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not mode & OWNER_ONLY:
        return False
    folder.chmod(mode & ~OWNER_ONLY)
    return True


@contextlib.contextmanager
def drafts_in(home: Path) -> Iterator[Path]:
    """A folder of the home for a library's drafts, removed at the end; a killed one's, by `sweep`."""
    parent = home / _DRAFTS
    close_folder(parent)
    sweep(home)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(home: Path) -> None:
    """Remove the drafts, and what was fetched, of programs that are no longer there. A program's own stay."""
    _remove_of_dead(home / _DRAFTS)
    for of_source in (home / SOURCES).glob("*"):
        _remove_of_dead(of_source)


def _remove_of_dead(parent: Path) -> None:
    """The folders PROCESS-… of programs that are no longer there, or whose number is another's by now."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for folder in parent.iterdir():
            owner = folder.name.partition("-")[0]
            if owner.isdigit() and (not _lives(int(owner)) or _is_old(folder)):
                shutil.rmtree(folder, ignore_errors=True)


def _is_old(folder: Path) -> bool:
    return time.time() - folder.stat().st_mtime > _LONGEST


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another account's program took the number: its drafts are removed later
    return True
