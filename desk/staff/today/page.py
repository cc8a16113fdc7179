"""The page that the day begins with: what waits, what runs, what failed, what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from clinic.govern.people.review import MAY, to_say
from clinic.health.findings import KINDS
from clinic.health.noted import noted_now
from clinic.message.campaign.sending_stop import sending
from clinic.message.sent_by_day import Day, deliveries_by_day
from clinic.record.systems.sync_runs import IMPORTED, last_runs, sources_behind
from desk.staff.today import entries
from desk.web.page import Page
from desk.web.visit import Visit
from tasks.prefect.standing_still import standing_still

# So long the server is not asked again, and the days not counted again
_ASKED: Final = timedelta(seconds=10)
_COUNTED: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Bar:
    """A day of the picture."""

    label: str
    number: int
    red: bool = False


@dataclass(frozen=True)
class Source:
    """What came last of a kind from a source: when it was imported, and of when it is."""

    kind: str
    name: str
    imported_at: datetime
    as_of: datetime | None


def _today(visit: Visit) -> Response:
    shown: dict[str, Any] = {"people": _people(visit), "sees": visit.has("view")}
    if visit.has("view"):
        mine, others, rejected = entries.approvals(visit)
        under_way, bad = entries.work(visit)
        shown |= {
            "standing": _standing(visit), "mine": mine, "others": others, "rejected": rejected,
            "under_way": under_way, "bad": bad, "to_do": entries.to_do(visit), **_sources(visit),
            "findings": [(code.replace("-", " "), since, KINDS[code]) for code, since in _findings(visit)],
            **_days(visit),
        }  # fmt: skip
    return visit.show("today/today.jinja", title="Today", **shown)


def _standing(visit: Visit) -> list[str]:
    desk = visit.desk
    stopped = sending(desk.parts.record).stopped
    found = desk.kept.get(
        ("standing", stopped), _ASKED, lambda: standing_still(desk.settings(), stopped)
    )
    return list(found.values())


def _findings(visit: Visit) -> list[tuple[str, datetime]]:
    return [each for each in noted_now(visit.desk.parts.record) if each[0] in KINDS]


def _people(visit: Visit) -> tuple[str, ...]:
    if visit.person.role not in MAY:
        return ()
    parts = visit.desk.parts
    with parts.record.read() as connection:
        days = visit.desk.settings().people.dormant_days
        return to_say(connection, parts.clock.now(), days=days)


def _sources(visit: Visit) -> dict[str, Any]:
    settings, parts = visit.desk.settings(), visit.desk.parts
    if not settings.sources:
        return {}
    with parts.record.read() as connection:
        behind = sources_behind(connection, settings, parts.clock.now(), why=True)
        last = last_runs(connection, state=IMPORTED)
    found = [
        Source(run.kind, run.source, run.begun_at, run.as_of)
        for run in last
        if run.source in settings.sources
    ]
    return {"behind": behind, "sources": found}


def _days(visit: Visit) -> dict[str, Any]:
    desk = visit.desk
    zone = ZoneInfo(desk.settings().organisation.time_zone)
    today = desk.today()

    def count() -> list[Day]:
        return deliveries_by_day(desk.parts.record, today=today, zone=zone)

    days = desk.kept.get(("days", today), _COUNTED, count)
    bars = [Bar(f"{each.day:%a %-d %b}", each.all, red=each.failed * 2 > each.all) for each in days]
    return {"days": days, "bars": bars}


PAGES: Final = (Page("/", "today", show=_today),)
