"""
When a provider has time (ALC-31): opening hours cut into slots, less what is booked, up to a day's limit.

Instants are whole minutes since 1970 in UTC. Opening hours are by the organisation's wall clock, so a
slot at 9:00 is at 9:00 also after the clocks have changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from clinic.settings import Day, Settings, read_window
from clinic.values.calendar import Calendar, calendar_of

Spans = list[tuple[int, int]]
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Slot:
    """A time at which a visit may begin. `day`: the local day's ordinal."""

    start: int
    day: int


def minute_of(instant: datetime) -> int:
    """Whole minutes since 1970; seconds are dropped."""
    return (instant - _EPOCH) // _MINUTE


def instant_of(minute: int) -> datetime:
    """The inverse of `minute_of`."""
    return _EPOCH + minute * _MINUTE


def opening_of(settings: Settings, facility: str, between: str) -> Calendar | None:
    """
    A facility's opening hours (settings: visits.opening), within the window `between` if one is given;
    closed on the days on which the organisation is (settings: hours). None: it never opens.
    """
    opening = settings.visits.opening
    days = _within(opening.get(facility, opening.get("*", {})), between)
    if not days:
        return None
    hours = settings.hours.model_copy(update={"text": days})
    return calendar_of(settings.model_copy(update={"hours": hours}))


def _within(days: Mapping[Day, Sequence[str]], between: str) -> dict[Day, tuple[str, ...]]:
    if not between:
        return {day: tuple(windows) for day, windows in days.items() if windows}
    least, most = read_window(between)
    cut = {
        day: tuple(
            _window(max(begin, least), min(end, most))
            for begin, end in map(read_window, windows)
            if max(begin, least) < min(end, most)
        )
        for day, windows in days.items()
    }
    return {day: windows for day, windows in cut.items() if windows}


def _window(begin: int, end: int) -> str:
    return f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"


def slots_between(
    opening: Calendar, first: date, last: date, *, minutes: int, not_before: datetime
) -> list[Slot]:
    """Every time from `first` to `last`, both included, at which a visit of this length fits in."""
    start = datetime.combine(first, time(), opening.zone).astimezone(UTC)
    end = datetime.combine(last + timedelta(days=1), time(), opening.zone).astimezone(UTC)
    days = (end - start).days + 2
    return [
        Slot(minute, day)
        for opens, closes, day in _joined(opening, start, end, days)
        for minute in range(minute_of(opens), minute_of(closes) - minutes + 1, minutes)
        if instant_of(minute) >= not_before
    ]


def _joined(
    opening: Calendar, start: datetime, end: datetime, days: int
) -> Iterator[tuple[datetime, datetime, int]]:
    """Open spans with their local day; the calendar cuts them at midnight in UTC."""
    held: tuple[datetime, datetime, int] | None = None
    for opens, closes in opening.open_spans("sms", start, days=days):
        if opens >= end:
            break
        day = opens.astimezone(opening.zone).toordinal()
        if held is not None and held[1] == opens and held[2] == day:
            held = (held[0], closes, day)
            continue
        if held is not None:
            yield held
        held = (opens, closes, day)
    if held is not None:
        yield held


def free_slots(
    slots: Sequence[Slot], booked: Spans, booked_days: Mapping[int, int], *, minutes: int, most: int
) -> list[Slot]:
    """
    Those that overlap nothing that is booked, at most as many a day as the limit leaves, the earliest.

    Args:
        booked: (begin, end) of what the provider has
        booked_days: day → how many of those begin on it
        most: visits a day
    """
    overlapping = _overlap(
        np.array([slot.start for slot in slots], dtype=np.int64), booked, minutes
    )
    left: dict[int, int] = {}
    free = []
    for slot, taken in zip(slots, overlapping.tolist(), strict=True):
        room = left.setdefault(slot.day, most - booked_days.get(slot.day, 0))
        if not taken and room > 0:
            left[slot.day] = room - 1
            free.append(slot)
    return free


def _overlap(
    starts: np.ndarray[tuple[int], np.dtype[np.int64]], booked: Spans, minutes: int
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a visit that begins then would overlap something: by the latest end of all before its end."""
    if not booked:
        return np.zeros(len(starts), dtype=np.bool_)
    begins, ends = np.array(sorted(booked), dtype=np.int64).T
    latest = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(ends)])
    before = np.searchsorted(begins, starts + minutes, side="left")
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = latest[before] > starts
    return found
