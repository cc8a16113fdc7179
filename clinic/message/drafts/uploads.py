"""
Lists that are uploaded at the desk: a private folder of the home has them until they are imported.

    home/uploads/12-9f3a…/flu.csv     0600 in 0700; the file keeps its name, which may say of what day it is
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from clinic.errors import CohortRefused
from clinic.message.drafts.work import files_in_use
from clinic.record.database import Record
from clinic.record.private import claim, close_folder

FOLDER: Final = "uploads"
_LONGEST: Final = 120  # letters of a name
_UNUSED: Final = timedelta(hours=1)


def spool_folder(home: Path) -> Path:
    """Where what is being sent waits until it is whole: in the home too, never in a folder of all accounts."""
    folder = home / FOLDER
    close_folder(folder)
    return folder


def keep_upload(home: Path, number: int, name: str, content: BinaryIO) -> str:
    """Keep what was uploaded for this draft; where it is, below the folder of uploads."""
    folder = spool_folder(home) / f"{number}-{secrets.token_hex(8)}"
    close_folder(folder)
    plain = plain_name(name)
    with os.fdopen(claim(folder / plain), "wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
    return f"{folder.name}/{plain}"


def plain_name(name: str) -> str:
    """The name of a file as it may stand in a folder of ours: no way to another one, nothing unseen."""
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(letter for letter in last if letter.isprintable()).strip().lstrip(".")
    stem, dot, kind = shown.rpartition(".")
    room = max(1, _LONGEST - len(kind.encode()[:20]))
    short = (stem if dot else kind).encode()[:room].decode(errors="ignore")
    return f"{short}.{kind[:10]}" if dot and short else short or "list.csv"


def path_of(home: Path, file: str) -> Path:
    """
    Where an upload is.

    Raises:
        CohortRefused: it is gone: its days are over, or the home was put back from a backup
    """
    path = home / FOLDER / file
    if not path.is_file():
        raise CohortRefused("upload-gone", "the uploaded list is no longer here: upload it again")
    return path


def remove_upload(home: Path, file: str | None) -> None:
    """It is imported, or not needed. Again: nothing."""
    if file:
        shutil.rmtree((home / FOLDER / file).parent, ignore_errors=True)


def remove_unused(record: Record, home: Path, now: datetime) -> None:
    """Remove uploads that no draft has: of what was killed while it was uploaded or imported."""
    with record.read() as connection:
        used = {file.partition("/")[0] for file in files_in_use(connection)}
    with contextlib.suppress(FileNotFoundError):
        for folder in (home / FOLDER).iterdir():
            age = now - datetime.fromtimestamp(folder.stat().st_mtime, UTC)
            if folder.is_dir() and folder.name not in used and age > _UNUSED:
                shutil.rmtree(folder, ignore_errors=True)
