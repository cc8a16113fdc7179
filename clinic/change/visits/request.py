"""How visits are asked for (ALC-29, ALC-30): what must be told, checked against the record, and read again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.operation_kind import Parameters
from clinic.cohort.filters import there_are
from clinic.errors import NotFound, OperationRefused
from clinic.record.schema.people import provider
from clinic.settings import Settings, read_window

AUTO: Final = "auto"  # shared among the providers of each patient's facility
OWN: Final = "own"  # each patient's own provider
LONGEST: Final = 480  # minutes
_MOST_DAYS: Final = 731
_MOST_OCCURRENCES: Final = 60


@dataclass(frozen=True)
class VisitRequest:
    """
    What is to be booked for each patient: one visit in each of `spans`.

    between: "09:00-12:00", within the opening hours; empty: all of them
    per_day: most visits a provider and day; None: as the settings say
    """

    visit_type: str
    minutes: int
    provider: str
    between: str
    per_day: int | None
    spans: tuple[tuple[date, date], ...]


def require(connection: Connection, _settings: Settings, parameters: Parameters) -> Parameters:
    """
    `type`, `from` and `to` (days, both included), `minutes`; `provider`: a code, `auto` or `own`;
    `between`: a window of the day; `per_day`: a lower limit than the settings'; `repeat`: an RRULE
    of RFC 5545, of which each occurrence begins a span in which every patient gets one visit.

    Raises:
        OperationRefused: one of them makes no sense; which one
        NotFound: there is no such active provider
    """
    complete: dict[str, Any] = {
        "type": str(parameters.get("type", "")).strip(),
        "from": str(parameters.get("from", "")),
        "to": str(parameters.get("to", "")),
        "minutes": parameters.get("minutes", 15),
        "provider": parameters.get("provider") or AUTO,
        "between": parameters.get("between") or "",
        "per_day": parameters.get("per_day"),
        "repeat": parameters.get("repeat") or "",
    }
    read_request(complete)
    code = complete["provider"]
    if code not in (AUTO, OWN) and not connection.scalar(
        sa.select(provider.c.id).where(provider.c.code == code, provider.c.active)
    ):
        named = there_are(connection, provider.c.code, provider.c.active)
        raise NotFound("provider-unknown", f"no active provider is called {code}; {named}")
    return complete


def read_request(parameters: Parameters) -> VisitRequest:
    """
    The parameters as values.

    Raises:
        OperationRefused: one of them makes no sense; which one
    """
    kind, minutes, most = parameters["type"], parameters["minutes"], parameters["per_day"]
    if not kind or len(kind) > 80 or not kind.isprintable():
        raise _wrong("type: say what kind of visit it is, in at most 80 characters")
    if not isinstance(minutes, int) or not 5 <= minutes <= LONGEST:
        raise _wrong(f"minutes: a visit takes 5 to {LONGEST}")
    if most is not None and (not isinstance(most, int) or most < 1):
        raise _wrong("per-day: at least 1")
    return VisitRequest(
        visit_type=kind,
        minutes=minutes,
        provider=parameters["provider"],
        between=_between(parameters["between"]),
        per_day=most,
        spans=tuple(_spans(*_days(parameters), parameters["repeat"])),
    )


def require_ahead(parameters: Parameters, today: date) -> None:
    """
    Refuse a range that has passed: no time is left in it, whatever else is changed.

    Raises:
        OperationRefused: it is wholly in the past
    """
    _, last = _days(parameters)
    if last < today:
        raise OperationRefused(
            "visit-past",
            f"the range ends on {last:%Y-%m-%d}, which has passed: no visit is booked in the past; "
            "name days ahead (--from, --to)",
        )


def _wrong(says: str) -> OperationRefused:
    return OperationRefused("visit-how", says)


def _between(text: str) -> str:
    try:
        if text and (window := read_window(text))[0] >= window[1]:
            raise ValueError
    except ValueError:
        raise _wrong("between: write a window of the day as 09:00-12:00") from None
    return text


def _days(parameters: Parameters) -> tuple[date, date]:
    try:
        first, last = (date.fromisoformat(parameters[name]) for name in ("from", "to"))
    except ValueError:
        raise _wrong("from, to: write days as 2026-03-31") from None
    if not timedelta(0) <= last - first < timedelta(days=_MOST_DAYS):
        raise _wrong("from, to: the range ends after it begins, and is of two years at most")
    return first, last


def _spans(first: date, last: date, rule: str) -> Iterator[tuple[date, date]]:
    """From each occurrence to the day before the next."""
    begins = _occurrences(first, last, rule) if rule else [first]
    ends = [day - timedelta(days=1) for day in begins[1:]] + [last]
    return zip(begins, ends, strict=True)


def _occurrences(first: date, last: date, rule: str) -> list[date]:
    from dateutil.rrule import rrulestr

    # Finer than days makes no sense of visits, and would count for ever
    coarse = any(
        f"FREQ={each}" in rule.upper() for each in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
    )
    begin, end = (datetime(d.year, d.month, d.day) for d in (first, last))  # noqa: DTZ001  days only
    try:
        found = rrulestr(rule, dtstart=begin) if coarse else ()
        within = itertools.takewhile(lambda at: at <= end, itertools.islice(found, 10_000))
        days = sorted({at.date() for at in within})
    except (ValueError, TypeError, AttributeError, KeyError):
        days = []
    if not 1 <= len(days) <= _MOST_OCCURRENCES:
        raise _wrong(
            f"repeat: a rule as RFC 5545 has it, such as FREQ=MONTHLY;INTERVAL=3, with 1 to "
            f"{_MOST_OCCURRENCES} days in the range"
        )
    return days
