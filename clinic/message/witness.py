"""
Notices that the database was restored, cloned or moved, and holds what would then be sent again.

A database from a backup believes that nothing happened since. So each process notes, outside of it, the
last submission it was about to send: one that the database does not know shows that it was set back. A
home that never saw this database, or was made on another machine, shows a copy. Every campaign that
could send is then held until a person resumes it (docs/campaigns.md).

A snapshot of the whole machine takes database and notes back together: nothing here can notice that.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.audit import Act, record_act
from clinic.message import states
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, installation, submission

_KEEP = 8  # notes of processes that have ended: the newest are evidence enough
_MACHINE = Path("/etc/machine-id")


def note_in(home: Path, worker: str) -> Callable[[str], None]:
    """What a ledger tells of each submission before it is sent: 36 bytes written over in one file."""
    folder = home / "witness"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / (worker.replace(":", "-") + ".last")

    def note(submission_id: str) -> None:
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(file, submission_id.encode(), 0)
        finally:
            os.close(file)

    return note


def machine_id() -> str:
    """This machine's own name; a container has none: then "", which says nothing."""
    return _MACHINE.read_text().strip() if _MACHINE.exists() else ""


def register(record: Record, home: Path, *, machine: str | None = None) -> None:
    """This home and this machine work with this database: `cohort init` says so."""
    with record.read() as connection:
        _write(home, _seen(connection, machine))


def hold_if_restored(
    record: Record, clock: Clock, home: Path, *, machine: str | None = None
) -> str | None:
    """
    Hold every campaign that could send if the database is not the one this home worked with; why.

    Killed in the middle it is found again at the next start.
    """
    with record.write() as connection:
        seen = _seen(connection, machine)
        code = _why(connection, home, seen)
        if code is not None:
            _hold(connection, clock, code)
    if code is not None or not _path(home).exists():
        _write(home, seen)
        _forget(home, 0 if code else _KEEP)
    else:
        _forget(home, _KEEP)
    return code


def _why(connection: Connection, home: Path, seen: dict[str, str]) -> str | None:
    path = _path(home)
    if not path.exists():
        return "database-copied" if _may_send(connection) else None
    known = orjson.loads(path.read_bytes())
    if known["install_id"] != seen["install_id"]:
        return "database-changed"
    if known["machine"] and seen["machine"] and known["machine"] != seen["machine"]:
        return "machine-changed"
    noted = {note.read_text() for note in _notes(home)}
    there = connection.scalars(
        sa.select(submission.c.id).where(is_any_of(submission.c.id, sorted(noted)))
    )
    return "database-restored" if noted - set(there) else None


def _hold(connection: Connection, clock: Clock, code: str) -> None:
    held = connection.scalars(
        sa.update(campaign)
        .where(campaign.c.state.in_([states.RUNNING, states.SCHEDULED]))
        .values(
            state=states.HELD_CAMPAIGN,
            state_reason=code,
            row_version=campaign.c.row_version + 1,
        )
        .returning(campaign.c.id)
    ).all()
    connection.execute(sa.update(installation).values(epoch=installation.c.epoch + 1))
    act = Act(
        operator="system",
        operation_type="campaigns.hold",
        subject="installation",
        new_values={"campaigns": sorted(held)},
        reason=code,
    )
    record_act(connection, clock, act)


def _may_send(connection: Connection) -> bool:
    able = sa.select(campaign.c.id).where(campaign.c.state.in_([states.RUNNING, states.SCHEDULED]))
    return bool(connection.scalar(sa.select(able.exists())))


def _seen(connection: Connection, machine: str | None) -> dict[str, str]:
    name = connection.execute(sa.select(installation.c.install_id)).scalar_one()
    machine = machine_id() if machine is None else machine
    return {
        "install_id": name,
        "machine": hashlib.sha256(machine.encode()).hexdigest() if machine else "",
    }


def _path(home: Path) -> Path:
    return home / "installation.json"


def _write(home: Path, seen: dict[str, str]) -> None:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A draft of one's own: two that begin at once would take the same one away from each other
    with tempfile.NamedTemporaryFile(dir=home, suffix=".part", delete=False) as draft:
        draft.write(orjson.dumps(seen))
    Path(draft.name).replace(_path(home))


def _notes(home: Path) -> list[Path]:
    """Newest first; one that was cut short says nothing."""
    notes = [path for path in (home / "witness").glob("*.last") if path.stat().st_size == 36]
    return sorted(notes, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _forget(home: Path, keep: int) -> None:
    for path in _notes(home)[keep:]:
        path.unlink(missing_ok=True)
