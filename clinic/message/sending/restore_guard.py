"""
Notices that the record was set back, cloned or moved, and stops all sending before anything is sent twice.

A record from a backup believes that nothing happened since. So each process notes, outside of it, the last
submission that it was about to send; one that the record does not know shows that it was set back. The notes
are kept in the home and once more outside of it, since a home may be restored as a whole. What is asked:

    when a process begins      every note of this home, in both places; the machine; the database cluster
    in each intent and replay  this process's own last submission, and the cluster: a failover to a replica
                               that lags takes place under a process that runs

The cluster is PostgreSQL's system identifier and timeline: a restored dump changes the first, a failover or a
point in time recovery the second. The record holds the one that is known of, and a person accepts another.

After a set-back nothing is sent by any path until a person says what was sent
(clinic/message/campaign/sending_stop.py). A home that never worked with a record that has sent, or may
have, is refused: `cohort init --join`, or
`--restored`.
A snapshot of a whole machine, notes outside the home included, cannot be noticed on SQLite.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import CohortError, RecordUnsafe
from clinic.message import states
from clinic.message.campaign.moves import before
from clinic.message.campaign.sending_stop import read_stop, stop_and_hold
from clinic.message.sending import homes, journal
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.private import close_folder
from clinic.record.schema.messages import campaign, installation, submission
from clinic.settings import Settings

_KEEP = 8  # notes of processes that have ended: the newest are evidence enough
_MACHINE = Path("/etc/machine-id")
_ID = 36  # characters of a submission's id


class SetBack(CohortError):
    """The record is not the one that this process has worked with: nothing may be sent. `code` says why."""


class Witness(Protocol):
    """What the ledger asks in each intent, and tells before each submission is sent."""

    def require_same(self, connection: Connection) -> None:
        """
        Raises:
            SetBack: the record was set back under this process
        """

    def note(self, submission_id: str, at: datetime) -> None:
        """This submission is about to be sent."""


class NoWitness:
    """Where nobody looks: a ledger in a test."""

    def require_same(self, connection: Connection) -> None:
        """Everything is as it was."""

    def note(self, submission_id: str, at: datetime) -> None:
        """Nobody notes it."""


_SAME: Final = sa.select(
    installation.c.epoch,
    installation.c.cluster,
    sa.select(submission.c.id)
    .where(submission.c.id == sa.bindparam("last"))
    .exists()
    .label("known"),
)


class Notes:
    """
    A process's note: its last submission and the record's epoch, written over in one file a place.

    In the place that is furthest from the record also a line for each (journal.py).
    """

    def __init__(self, folders: Iterable[Path], worker: str) -> None:
        self._folders = list(folders)
        self._paths = [folder / (worker.replace(":", "-") + ".last") for folder in self._folders]
        for path in self._paths:
            close_folder(path.parent)
        self._last: str | None = None
        self._epoch = 0  # of the record when `_last` was noted

    def require_same(self, connection: Connection) -> None:
        # Read once: another thread may note its own while the record is asked about this one
        last, epoch = self._last, self._epoch
        row = connection.execute(_SAME, {"last": last}).one()
        # A higher epoch: a person knows of what was lost
        if last is not None and not row.known and row.epoch <= epoch:
            raise SetBack("database-restored", "the record was set back while this process worked")
        if row.cluster != cluster_of(connection):
            raise SetBack("database-moved", "the record's database server is another one now")
        self._epoch = row.epoch

    def note(self, submission_id: str, at: datetime) -> None:
        journal.append(self._folders[-1], submission_id, at)
        for path in self._paths:
            file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.pwrite(file, f"{submission_id} {self._epoch:010}".encode(), 0)
            finally:
                os.close(file)
        self._last = submission_id


@dataclass(frozen=True)
class Home:
    """
    Where an installation keeps what it knows of its record.

    outside: a folder of the account outside the home; None: there is none
    machine: this machine's name; None: read it
    """

    path: Path
    outside: Path | None = None
    machine: str | None = None

    def folders(self, install_id: str) -> list[Path]:
        """Where notes lie: in the home, and outside of it under the record's name."""
        outside = [self.outside / install_id] if self.outside else []
        return [self.path / "witness", *outside]


def home_of(settings: Settings) -> Home:
    """This installation's, as its settings have it."""
    return Home(settings.home, settings.notes_folder)


def notes_of(record: Record, home: Home, worker: str) -> Notes:
    """What a process writes its notes with."""
    with record.read() as connection:
        name = connection.execute(sa.select(installation.c.install_id)).scalar_one()
    return Notes(home.folders(name), worker)


def noted_of(record: Record, home: Home) -> dict[str, datetime]:
    """What this machine was about to send from this record, as far as it is remembered."""
    with record.read() as connection:
        name = connection.execute(sa.select(installation.c.install_id)).scalar_one()
    return journal.read(home.folders(name)[-1])


def machine_id() -> str:
    """This machine's own name; a container has none: then "", which says nothing."""
    return _MACHINE.read_text().strip() if _MACHINE.exists() else ""


def cluster_of(connection: Connection) -> str | None:
    """PostgreSQL's system identifier and timeline; None: SQLite, where a file is all there is."""
    if connection.dialect.name != "postgresql":
        return None
    found = connection.execute(
        sa.text(
            "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || "
            "substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)"
        )
    )
    return str(found.scalar_one())


def register(record: Record, home: Home) -> None:
    """This home and this machine work with this record from now on; a new record knows its cluster."""
    with record.write() as connection:
        _accept_cluster(connection, only_if_new=True)
        seen = _seen(connection, home)
    homes.write(home.path, seen)


def is_strange(record: Record, home: Home) -> bool:
    """Whether this home never worked with a record that has sent, or may have: a person must say how."""
    if homes.read(home.path) is not None:
        return False
    with record.read() as connection:
        return _may_have_sent(connection)


def hold_if_restored(record: Record, clock: Clock, home: Home) -> str | None:
    """
    Stop all sending if the record is not the one this home worked with; why, or why it was before.

    Killed in the middle it is found again at the next start, and until sending is allowed at each.

    Raises:
        RecordUnsafe: this home never worked with this record, which has sent or may have
    """
    if is_strange(record, home):
        raise RecordUnsafe(
            "home-unknown",
            "this home never worked with this record, and messages were sent from it or wait to be. If another "
            "machine works with it and this one joins in: cohort init --join. If the record was restored or "
            "copied: cohort init --restored; nothing is sent then until somebody says what was sent",
        )
    with record.write() as connection:
        _accept_cluster(connection, only_if_new=True)
        seen = _seen(connection, home)
        stop = read_stop(connection)
        code = stop.code if stop else _why(connection, home, seen)
        if code is not None and stop is None:
            stop_and_hold(connection, clock, code)
    if code is None:
        homes.write_if_new(home.path, seen)
        _forget(home, seen["install_id"], _KEEP)
    return code


def hold_as_restored(record: Record, clock: Clock, home: Home) -> None:
    """A person says that the record was restored or copied: nothing is sent until one says what was sent."""
    register(record, home)
    hold_set_back(record, clock, SetBack("database-restored", "a person says so"))


def hold_set_back(record: Record, clock: Clock, found: SetBack) -> None:
    """A running process found it: stop all sending, once, whoever finds it first."""
    with record.write() as connection:
        if read_stop(connection) is None:
            stop_and_hold(connection, clock, found.code)


def accept(connection: Connection, home: Home) -> None:
    """A person knows of it: from here on the record is what it is. In the transaction that allows sending."""
    _accept_cluster(connection, only_if_new=False)
    # Notes of before are of an older epoch, also those of other homes, and say nothing any more
    connection.execute(sa.update(installation).values(epoch=installation.c.epoch + 1))
    homes.write(home.path, _seen(connection, home))


def _accept_cluster(connection: Connection, *, only_if_new: bool) -> None:
    found = cluster_of(connection)
    if found is not None:
        new = [installation.c.cluster.is_(None)] if only_if_new else []
        connection.execute(sa.update(installation).where(*new).values(cluster=found))


def _why(connection: Connection, home: Home, seen: dict[str, str]) -> str | None:
    known = homes.read(home.path) or seen
    if known["install_id"] != seen["install_id"]:
        return "database-changed"
    if known["machine"] and seen["machine"] and known["machine"] != seen["machine"]:
        return "machine-changed"
    epoch, cluster = connection.execute(
        sa.select(installation.c.epoch, installation.c.cluster)
    ).one()
    if cluster != cluster_of(connection):
        return "database-moved"
    noted = {text[:_ID] for text in _noted(home, seen["install_id"]) if int(text[_ID:]) >= epoch}
    there = connection.scalars(
        sa.select(submission.c.id).where(is_any_of(submission.c.id, sorted(noted)))
    )
    return "database-restored" if noted - set(there) else None


def _may_have_sent(connection: Connection) -> bool:
    """Whether anything was sent, or waits to be: of the latter it may have been by a machine that was lost."""
    sent = sa.select(submission.c.id).exists()
    able = sorted(before(states.HELD_CAMPAIGN))  # now, or after somebody's next command
    leaves = (~campaign.c.dry_run, campaign.c.gateway != states.OUTBOX)
    waits = sa.select(campaign.c.id).where(campaign.c.state.in_(able), *leaves).exists()
    return bool(connection.scalar(sa.select(sent | waits)))


def _seen(connection: Connection, home: Home) -> dict[str, str]:
    name = connection.execute(sa.select(installation.c.install_id)).scalar_one()
    machine = machine_id() if home.machine is None else home.machine
    return {
        "install_id": name,
        "machine": hashlib.sha256(machine.encode()).hexdigest() if machine else "",
    }


def _noted(home: Home, install_id: str) -> list[str]:
    """What the notes say; one that was cut short says nothing."""
    texts = [text for folder in home.folders(install_id) for _, text in homes.notes(folder)]
    return [text for text in texts if len(text) == _ID + 11]


def _forget(home: Home, install_id: str, keep: int) -> None:
    for folder in home.folders(install_id):
        for path, _ in homes.notes(folder)[keep:]:
            path.unlink(missing_ok=True)
