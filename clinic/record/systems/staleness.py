"""
How old what the record has from its sources is, of what reminders rest on (NEW-16).

    appointments, opt-outs, patients of each source ──► the last import of each ──► those that are too old

One statement, whatever the number of sources: it is asked at the check of an evening and again in every intent.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from clinic.record.systems.sync_runs import IMPORTED, REMINDED_BY, SyncRun, last_runs
from clinic.settings import Settings, SourceSettings

CODE: Final = "stale_sources"


@dataclass(frozen=True)
class Late:
    """What of a source is too old. hours: since it was so there; None: it was never imported."""

    source: str
    kind: str
    hours: float | None

    @property
    def says(self) -> str:
        """appointments of emis are 30 hours old"""
        age = "were never imported" if self.hours is None else f"are {self.hours:,.0f} hours old"
        return f"{REMINDED_BY[self.kind]} of {self.source} {age}"


def is_judged(settings: Settings) -> bool:
    """Whether any source is set, and its age counts."""
    return bool(settings.sources and settings.sync.reminder_hours)


def late_sources(connection: Connection, settings: Settings, now: datetime) -> Sequence[Late]:
    """What reminders rest on and is older than `sync.reminder_hours`, by source; none where no age counts."""
    if not is_judged(settings):
        return ()
    last = {(run.source, run.kind): run for run in last_runs(connection, state=IMPORTED)}
    found = [
        Late(name, kind, _hours(last.get((name, kind)), now))
        for name, how in sorted(settings.sources.items())
        for kind in _kinds(how, {kind for source, kind in last if source == name})
    ]
    most = settings.sync.reminder_hours
    return [late for late in found if late.hours is None or late.hours > most]


def said_of_late(late: Sequence[Late]) -> str:
    """All of them, in words."""
    return "; ".join(one.says for one in late)


def _kinds(how: SourceSettings, known: Collection[str]) -> list[str]:
    """Those that a reminder rests on; of a source that cannot say what it gives, those it gave before."""
    if how.type == "by_hand":
        given = set(known)
    elif how.type == "sql":
        folder = Path(how.queries)
        given = {kind for kind in REMINDED_BY if (folder / f"{kind}.sql").is_file()}
        if not folder.is_dir():
            given = set(known) or {"appointments"}
    else:
        given = set(how.patterns if how.type == "files" else how.kinds)
    return [kind for kind in REMINDED_BY if kind in given]


def _hours(run: SyncRun | None, now: datetime) -> float | None:
    if run is None:
        return None
    return (now - min(run.as_of or run.begun_at, run.begun_at)).total_seconds() / 3600
