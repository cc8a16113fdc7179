"""Step 3: when. Now, later, or spread over days (PAT-14, ACX-29, ACX-30); then its list is checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from clinic.errors import MendableError
from clinic.message.campaign.begin import require_start
from clinic.message.drafts.draft import Draft, ask_check
from clinic.message.timing.schedule import patients_a_day
from clinic.values.moments import TIME_SAYS, read_time
from desk.staff.compose.own import AT, Errors, at, changed, error, own, page, refusal, shown
from desk.web.visit import Visit

_TITLE: Final = "When it is sent"
_LONGEST: Final = 60  # days
_TIMINGS: Final = ("now", "later", "stagger")


def _show(visit: Visit) -> Response:
    draft = own(visit)
    asked = draft.asked
    start = asked.start_at and asked.start_at.astimezone(_zone(visit))
    typed = {
        "timing": asked.timing, "dry_run": asked.dry_run, "days": str(asked.stagger_days or ""),
        "start_at": f"{start:%d/%m/%Y %H:%M}" if start else "",
    }  # fmt: skip
    return _page(visit, draft, [], typed)


def _page(visit: Visit, draft: Draft, errors: Errors, typed: dict[str, Any]) -> Response:
    return shown(
        visit, "when", draft, _TITLE, errors, typed=typed, a_day=_a_day(draft, typed["days"])
    )


def _zone(visit: Visit) -> ZoneInfo:
    return ZoneInfo(visit.parts.settings.organisation.time_zone)


def _choose(visit: Visit) -> Response:
    draft = own(visit)
    typed: dict[str, Any] = {
        name: visit.said(name).strip() for name in ("timing", "start_at", "days")
    }
    typed["dry_run"] = bool(visit.said("dry_run"))
    if visit.said("then") == "days":
        return _page(visit, draft, [], typed)
    wrong = Errors()
    when = _values(visit, typed, wrong)
    if wrong:
        return _page(visit, draft, wrong, typed)
    draft = changed(visit, when)
    if not draft.asked.is_complete:
        return visit.go(at(draft))
    ask_check(visit.parts.record, visit.parts.clock, draft.id, visit.person.name)
    return visit.go(at(draft, "review"))


def _values(visit: Visit, typed: dict[str, Any], errors: Errors) -> dict[str, Any]:
    timing = typed["timing"]
    values: dict[str, Any] = {
        "timing": timing, "start_at": None, "stagger_days": None, "dry_run": typed["dry_run"],
    }  # fmt: skip
    if timing not in _TIMINGS:
        errors.append(error("timing-now", "Choose when it is sent"))
    elif timing == "later":
        values["start_at"] = _start(visit, typed["start_at"], errors)
    elif timing == "stagger":
        values["stagger_days"] = _days(typed["days"])
        if values["stagger_days"] is None:
            errors.append(error("days", f"Enter the number of days, 2 to {_LONGEST}"))
    return values


def _start(visit: Visit, typed: str, errors: Errors) -> datetime | None:
    try:
        start = read_time(typed).replace(tzinfo=_zone(visit)).astimezone(UTC)
        require_start(visit.parts.settings, start, visit.parts.clock.now())
    except ValueError:
        errors.append(refusal("start_at", TIME_SAYS))
    except MendableError as problem:
        errors.append(refusal("start_at", problem.says))
    else:
        return start
    return None


def _days(typed: str) -> int | None:
    return int(typed) if typed.isdecimal() and 2 <= int(typed[:4]) <= _LONGEST else None


def _a_day(draft: Draft, typed: str) -> int | None:
    """About how many patients a day, if all rows of the list are accepted; None: it is not known."""
    days = _days(typed)
    return patients_a_day(draft.rows, days) if days and draft.rows else None


def _part(visit: Visit) -> Response:
    draft = own(visit)
    return visit.part(
        "compose/a_day.jinja", a_day=_a_day(draft, visit.said("days").strip()), draft=draft
    )


def _check(visit: Visit) -> Response:
    """Check once more what is complete, without choosing anything."""
    draft = own(visit)
    ask_check(visit.parts.record, visit.parts.clock, draft.id, visit.person.name)
    return visit.go(at(draft, "review"))


PAGES: Final = (
    page(f"{AT}/when", "draft when", _show, _choose),
    page(f"{AT}/days", "draft days", act=_part),
    page(f"{AT}/check", "check draft", act=_check),
)
