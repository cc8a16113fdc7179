"""A copy of the record before its tables change: the way back from an upgrade. The last two are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from clinic.backup.database import copy_record
from clinic.clock import Clock
from clinic.record.database import Record
from clinic.record.private import close_folder
from clinic.record.version import current, found_version
from clinic.settings import Settings

_KEEP: Final = 2
_FOLDER: Final = "before-upgrade"


def copy_before(record: Record, settings: Settings, clock: Clock) -> Path | None:
    """
    Copy a record that is about to be migrated; the copy, None where nothing is to be migrated.

    Raises:
        BackupRefused: PostgreSQL's tools are missing
    """
    version = found_version(record)
    if version in (None, current()):
        return None
    folder = settings.home / _FOLDER
    close_folder(folder)
    path = folder / f"record-{clock.now():%Y%m%d-%H%M%S}-{version}"
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    copy_record(settings.database_url, draft)
    draft.replace(path)
    for old in sorted(folder.glob("record-*"))[:-_KEEP]:
        old.unlink()
    return path
