"""
Files of the home that are copies: exports, uploads, rows that got no message, what is unknown, the old record.

A file is as old as its last change. What it was stays: its SHA-256 and size, and of an export the operation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.held import held, held_campaigns
from clinic.record.database import Record
from clinic.record.schema.change import operation_item
from clinic.record.schema.clinical import export_file
from clinic.record.schema.messages import recipient
from clinic.retention.due import Due
from clinic.retention.stubs import Stub, leave_stub
from clinic.settings.operations import Retention

WHAT: Final = "files"
# Where they are, and the setting that says how long
PLACES: Final = (
    ("exports/*", "files_days"),
    ("not-accepted/*", "files_days"),
    ("sent-unknown-*.csv", "files_days"),
    ("uploads/*/*", "files_days"),
    ("before-upgrade/*", "copies_days"),
)
_CAMPAIGN: Final = re.compile(r"campaign-(\d+)\.csv")


@dataclass(frozen=True)
class DueFile:
    """A file whose time has come. subject: what it is of, by its number where that is known."""

    path: Path
    since: datetime
    authority: str
    subject: str
    subject_id: int | None
    held: bool


def plan_files(connection: Connection, home: Path, now: datetime, settings: Retention) -> Due:
    """How many, and how many of them are held."""
    found = list(due_files(connection, home, now, settings))
    due = [one for one in found if not one.held]
    return Due(
        WHAT, len(due), len(due), min((one.since for one in due), default=None),
        sum(one.held for one in found), "clock",
        f"retention.files_days {settings.files_days:g}, copies_days {settings.copies_days:g}",
    )  # fmt: skip


def remove_files(record: Record, clock: Clock, home: Path, settings: Retention) -> int:
    """
    Remove what is due; how many. First the stub, then the file: killed in between, the file goes the next
    night, and its stub is written again.
    """
    with record.read() as connection:
        due = [one for one in due_files(connection, home, clock.now(), settings) if not one.held]
    for one in due:
        digest, size = _read(one.path)
        with record.write() as connection:
            stub = Stub(WHAT, one.subject, one.subject_id, size, digest, one.authority, clock.now())
            leave_stub(connection, stub)
        one.path.unlink(missing_ok=True)
    return len(due)


def due_files(
    connection: Connection, home: Path, now: datetime, settings: Retention
) -> Iterator[DueFile]:
    """Those whose time has come, held or not."""
    exports = dict(
        connection.execute(sa.select(export_file.c.name, export_file.c.operation_id)).tuples().all()
    )
    for pattern, name in PLACES:
        days = getattr(settings, name)
        for path in sorted(home.glob(pattern)):
            if not path.is_file() or path.is_symlink():
                continue
            since = datetime.fromtimestamp(path.stat().st_mtime, UTC) + timedelta(days=days)
            if since >= now:
                continue
            subject, key = _of(path, exports)
            yield DueFile(
                path, since, f"retention.{name} {days:g}", subject, key,
                _is_held(connection, subject, key),
            )  # fmt: skip


def _of(path: Path, exports: dict[str, int]) -> tuple[str, int | None]:
    if path.name in exports:
        return "export", exports[path.name]
    found = _CAMPAIGN.fullmatch(path.name)
    return ("not accepted", int(found[1])) if found else ("file", None)


def _is_held(connection: Connection, subject: str, key: int | None) -> bool:
    """By the campaign, its list, or a patient in it. Of a copy of the record, the record is what is kept."""
    if subject == "export":
        of_one = (operation_item.c.operation_id == key) & operation_item.c.patient_id.in_(
            held("patient")
        )
        return bool(connection.scalar(sa.select(sa.exists().where(of_one))))
    if subject == "not accepted":
        of_patient = (recipient.c.campaign_id == key) & recipient.c.patient_id.in_(held("patient"))
        own = sa.literal(key).in_(held_campaigns())
        return bool(connection.scalar(sa.select(own | sa.exists().where(of_patient))))
    return False


def _read(path: Path) -> tuple[str, int]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
        return digest.hexdigest(), file.tell()
