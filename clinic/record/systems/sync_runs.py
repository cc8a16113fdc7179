"""
Imports from sources, as the record keeps them: begun, ended, and the last of each source and kind.

A run that was killed stays `begun`; the next of the same source and kind closes it. Counts, codes and our own
sentences: nothing here is of one patient.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.schema.systems.sync import sync_run
from clinic.settings import Settings

BEGUN: Final = "begun"
IMPORTED: Final = "imported"
STOPPED: Final = "stopped"
FAILED: Final = "failed"
KILLED: Final = "sync-killed"
NOTHING_NEW: Final = "source-no-file"  # clinic/sources/files.py
QUIET: Final = "hours_quiet"  # of `facts`: since anything of it was changed there
AT_WORK: Final = "hours_at_work"  # the same without days on which the practice was closed
QUIET_KINDS: Final = ("appointments",)  # of which every day of work changes some
# What a reminder must not be wrong about, and how it is called
REMINDED_BY: Final = {
    "appointments": "appointments",
    "consents": "opt-outs",
    "patients": "patients, with deaths and numbers",
}
_JSON: Final = ("counts", "facts")


@dataclass(frozen=True)
class SyncRun:
    """
    One import of one kind from one source.

    as_of: when the newest of what came was written; counts: rows by outcome, and what came of them besides
    facts: what the checks judged: hours_old, hours_quiet, hours_at_work, rows, unknown, changed, no_number
    checks: their verdict, JSON
    code, says: why nothing was imported; accepted_by, reason: who says that it may be all the same
    whole … again_at: by what the next night may ask for changes alone (clinic/sources/since.py)
    """

    id: int
    source: str
    kind: str
    state: str
    begun_at: datetime
    ended_at: datetime | None = None
    as_of: datetime | None = None
    origin: str = ""
    sha256: str = ""
    rows: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)
    checks: str = ""
    code: str = ""
    says: str = ""
    accepted_by: str = ""
    accepted_at: datetime | None = None
    reason: str = ""
    used_by: int | None = None
    whole: bool | None = None
    asked: str = ""
    since: datetime | None = None
    pending: int | None = None
    patients_to: int | None = None
    again_at: datetime | None = None


_NAMES: Final = tuple(each.name for each in dataclasses.fields(SyncRun))


def begin_run(connection: Connection, source: str, kind: str, now: datetime) -> int:
    """A new run's number; whatever was begun before and never ended was killed."""
    own = sync_run.c
    connection.execute(
        sa.update(sync_run)
        .where(own.source == source, own.kind == kind, own.state == BEGUN)
        .values(state=FAILED, ended_at=now, code=KILLED, says="it was killed; the next one goes on")
    )
    values = {"source": source, "kind": kind, "state": BEGUN, "begun_at": now}
    made = connection.execute(sa.insert(sync_run).values(**values).returning(own.id))
    return int(made.scalar_one())


def note_run(connection: Connection, number: int, **values: Any) -> None:
    """Write what is known of a run by now: fields of `SyncRun`."""
    plain = {
        name: orjson.dumps(value).decode() if name in _JSON else value
        for name, value in values.items()
    }
    connection.execute(sa.update(sync_run).where(sync_run.c.id == number).values(**plain))


def last_runs(connection: Connection, *, state: str | None = None) -> list[SyncRun]:
    """The last run of each source and kind, or the last that ended in this state; by source and kind."""
    newest = sa.select(sa.func.max(sync_run.c.id)).group_by(sync_run.c.source, sync_run.c.kind)
    if state is not None:
        newest = newest.where(sync_run.c.state == state)
    return _runs(connection, sync_run.c.id.in_(newest))


def runs_before(
    connection: Connection, source: str, kind: str, *, before: int, limit: int
) -> list[SyncRun]:
    """
    The imports of all that a source had of a kind, before this run, the newest first.

    From the last one on that a person let pass: what they said is right is what others are held against.
    """
    own = sync_run.c
    where = (own.source == source) & (own.kind == kind) & (own.id < before)
    passed = sa.select(sa.func.max(own.used_by)).where(
        own.source == source, own.kind == kind, own.used_by.in_(_imported())
    )
    where &= own.id >= (connection.scalar(passed) or 0)
    where &= own.whole.is_not(sa.false())
    return _runs(connection, where & (own.state == IMPORTED), limit=limit)


def last_as_of(connection: Connection, source: str, kind: str) -> datetime | None:
    """When what was imported last was written there; None: nothing was, or it did not say."""
    own = sync_run.c
    where = (own.source == source) & (own.kind == kind) & (own.state == IMPORTED)
    return next((run.as_of for run in _runs(connection, where, limit=1)), None)


def last_changed(connection: Connection, source: str, kind: str, *, before: int) -> datetime | None:
    """When anything of a kind had been changed there last, as the run before this one found it."""
    own = sync_run.c
    where = (own.source == source) & (own.kind == kind) & (own.id < before)
    where &= own.facts.is_not(None)
    for run in _runs(connection, where, limit=1):
        if QUIET in run.facts:
            return run.begun_at - timedelta(hours=run.facts[QUIET])
    return None


def most_rows_before(connection: Connection, source: str, kind: str, *, before: int) -> int:
    """The rows of the largest import before this run: about what the record has of it."""
    own = sync_run.c
    query = sa.select(sa.func.max(own.rows)).where(
        own.source == source, own.kind == kind, own.id < before, own.state == IMPORTED
    )
    return int(connection.scalar(query) or 0)


def fetched_before(connection: Connection, source: str, kind: str) -> list[SyncRun]:
    """
    What was fetched and may have been imported, the newest first; a year of nights is enough.

    Killed or failed half-way, some of its rows are in the record. What a check stopped is not.
    """
    own = sync_run.c
    where = (own.source == source) & (own.kind == kind) & own.asked.is_not(None)
    return _runs(connection, where & (own.state != STOPPED), limit=400)


def is_overtaken(connection: Connection, source: str, kind: str, number: int) -> bool:
    """Whether a later run of this source and kind is imported: what this one fetched is older than that."""
    own = sync_run.c
    later = (own.source == source) & (own.kind == kind) & (own.id > number)
    query = sa.select(own.id).where(later, own.state == IMPORTED)
    return connection.scalar(query.limit(1)) is not None


def forget_marks(
    connection: Connection, kind: str, *, source: str | None = None, but: str | None = None
) -> None:
    """
    Let the next night ask for all of a kind: changes since the last one would not do any more.

    In the transaction of what makes it so, and before what cannot be one: whoever is killed has said it.

    Args:
        source: of this source alone; but: of all others
    """
    own = sync_run.c
    which = (own.kind == kind) & own.asked.is_not(None)
    if source is not None:
        which &= own.source == source
    if but is not None:
        which &= own.source != but
    connection.execute(sa.update(sync_run).where(which).values(asked=None))


def acceptance(
    connection: Connection, source: str, kind: str, *, since: datetime, before: int
) -> SyncRun | None:
    """
    The run before this one that was stopped, and that somebody lets be imported.

    It counts for the next import. A run that was let pass, and was killed or failed before its end, is none.
    """
    own = sync_run.c
    where = (own.source == source) & (own.kind == kind) & (own.id < before)
    where &= own.accepted_at.is_not(None) & (own.accepted_at >= since)
    later = sync_run.alias()
    since_then = sa.select(later.c.id).where(
        later.c.source == source,
        later.c.kind == kind,
        later.c.id > own.id,
        later.c.state == IMPORTED,
    )
    where &= ~since_then.exists()
    return next(iter(_runs(connection, where, limit=1)), None)


def _imported() -> sa.Select[tuple[int]]:
    """The runs that came to their end."""
    ended = sync_run.alias()
    return sa.select(ended.c.id).where(ended.c.state == IMPORTED)


def sources_behind(
    connection: Connection, settings: Settings, now: datetime, *, why: bool = False
) -> tuple[str, ...]:
    """
    What of the sources was not imported last, or is too old for reminders.

    Args:
        why: in the sentence that was said then, for a terminal. Else by its code alone: the sentence may name
            a file, a sheet or a heading, people's own words, and health goes to Prefect and webhooks
    """
    if not settings.sources:
        return ()
    runs = [run for run in last_runs(connection) if run.source in settings.sources]
    good = {(r.source, r.kind): r for r in last_runs(connection, state=IMPORTED)}
    most = settings.sync.reminder_hours
    found: list[str] = []
    for run in runs:
        hours = _hours(good.get((run.source, run.kind)), now)
        late = hours is None or bool(most and hours > most)
        # Looked at again the same day, a folder has nothing new: that is no news as long as the last is fresh
        if run.state in (STOPPED, FAILED) and (late or run.code != NOTHING_NEW):
            says = (run.says if why else "") or run.code or run.state
            found.append(f"{run.kind} from {run.source} were not imported: {says}")
        elif hours is not None and late and run.kind in REMINDED_BY:
            found.append(f"{run.kind} from {run.source} are {hours:,.0f} hours old")
    return tuple(found)


def _hours(last: SyncRun | None, now: datetime) -> float | None:
    """How old what was imported last is; None: nothing was."""
    if last is None:
        return None
    return (now - min(last.as_of or last.begun_at, last.begun_at)).total_seconds() / 3600


def _runs(
    connection: Connection, where: sa.ColumnElement[bool], *, limit: int | None = None
) -> list[SyncRun]:
    own = sync_run.c
    query = sa.select(*(own[name] for name in _NAMES)).where(where)
    query = (
        query.order_by(own.id.desc()).limit(limit) if limit else query.order_by(own.source, own.id)
    )
    return [_run(dict(row)) for row in connection.execute(query).mappings()]


def _run(row: dict[str, Any]) -> SyncRun:
    for name in _JSON:
        row[name] = orjson.loads(row[name] or "{}")
    for name in ("origin", "sha256", "checks", "code", "says", "accepted_by", "reason", "asked"):
        row[name] = row[name] or ""
    return SyncRun(**row)
