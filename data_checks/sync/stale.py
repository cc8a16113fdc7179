"""
Whether what the record has from its sources is fresh enough to remind of appointments by (NEW-16).

A practice that moves and cancels in another system reminds of what was so when it was last imported: older
than `sync.reminder_hours`, nobody is reminded until a named person says yes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import SourceProblem
from clinic.record.systems.sync_runs import IMPORTED, REMINDED_BY, SyncRun, last_runs
from clinic.settings import Settings
from clinic.sources.choose import open_source, source_names
from data_checks.gate.verdict import Check

CODE: Final = "stale_sources"


def stale_sources(connection: Connection, settings: Settings, clock: Clock) -> Check | None:
    """The check; None where no source is set, or any age will do."""
    most = settings.sync.reminder_hours
    if not settings.sources or not most:
        return None
    last = {(run.source, run.kind): run for run in last_runs(connection, state=IMPORTED)}
    now = clock.now()
    late = [
        f"{REMINDED_BY[kind]} of {name} {_age(last.get((name, kind)), now)}"
        for name in source_names(settings)
        for kind in _kinds(settings, name, clock, {kind for source, kind in last if source == name})
        if _hours(last.get((name, kind)), now) > most
    ]
    if not late:
        return Check(
            CODE, f"What came from the sources is at most {most:g} hours old.", "critical", True
        )
    return Check(
        CODE,
        f"Nobody is reminded of what may have been moved or cancelled since: {'; '.join(late)}; {most:g} hours "
        "may be (sync.reminder_hours). Look why (cohort sources status), put it right and import again: "
        "cohort sources sync.",
        "critical",
        False,
    )


def _kinds(settings: Settings, name: str, clock: Clock, known: set[str]) -> list[str]:
    """Those that a reminder rests on; of a source that cannot say what it gives, those it gave before."""
    if settings.sources[name].type == "by_hand":
        return [kind for kind in REMINDED_BY if kind in known]
    try:
        given = set(map(str, open_source(settings, name, clock).kinds()))
    except SourceProblem:
        given = known or {"appointments"}
    return [kind for kind in REMINDED_BY if kind in given]


def _hours(run: SyncRun | None, now: datetime) -> float:
    if run is None:
        return float("inf")
    return (now - min(run.as_of or run.begun_at, run.begun_at)).total_seconds() / 3600


def _age(run: SyncRun | None, now: datetime) -> str:
    return "were never imported" if run is None else f"are {_hours(run, now):,.0f} hours old"
