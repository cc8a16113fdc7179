"""
Files and folders that hold patients' data: for the account that runs Cohort, and nobody else.

Whatever the umask of who starts it: files are 0600 and folders 0700, an existing one is tightened, and
drafts of a program that was killed are removed by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

OWNER_ONLY: Final = 0o077
_DRAFTS: Final = "drafts"
_LOCK: Final = ".lock"
SOURCES: Final = "sources"  # what is fetched from other systems, until it is imported
_HELD: Final[dict[Path, int]] = {}  # this program's working folders, each with the lock on it


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
    sweep(home)
    folder = begin_working(home / _DRAFTS)
    try:
        yield folder
    finally:
        end_working(folder)


def begin_working(parent: Path) -> Path:
    """
    A new folder in this one, for what a program works on. It is this program's until `end_working`, or until
    the program ends, however it does.

    That it lives is said by a lock on a file beside it, which the kernel lets go: a number of a process is
    another's after a while, and says nothing of a container or machine that shares the home. Of a file and not
    of the folder: over NFS a folder's lock is known on one machine alone (flock(2)).
    """
    close_folder(parent)
    with _locked(parent):  # nobody looks between making and locking it
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
        _HELD[folder] = _lock(_lock_of(folder))
    return folder


def end_working(folder: Path) -> None:
    """Remove it and all that is in it. Again: nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    if (held := _HELD.pop(folder, None)) is not None:
        _lock_of(folder).unlink(missing_ok=True)
        os.close(held)


def sweep(home: Path) -> None:
    """Remove the drafts, and what was fetched, of programs that are no longer there. A program's own stay."""
    for parent in (home / _DRAFTS, *(home / SOURCES).glob("*")):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), _locked(parent):
            for folder in parent.iterdir():
                if _is_working(folder) and not _is_held(folder):
                    shutil.rmtree(folder, ignore_errors=True)
                    _lock_of(folder).unlink(missing_ok=True)


def _is_working(folder: Path) -> bool:
    return folder.name.partition("-")[0].isdigit() and folder.is_dir()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{_LOCK}")


@contextlib.contextmanager
def _locked(parent: Path) -> Iterator[None]:
    """Nobody else makes or removes working folders of this one meanwhile."""
    descriptor = _lock(parent / _LOCK)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)  # NFS locks only what may be written
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _is_held(folder: Path) -> bool:
    """Whether a program works on it; what cannot be asked is left alone."""
    own = _lock_of(folder)
    try:
        # Without one: of a program from before there were files of locks, which holds the folder itself
        descriptor = os.open(own, os.O_RDWR) if own.exists() else os.open(folder, os.O_RDONLY)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
