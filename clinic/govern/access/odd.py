"""
Looks that somebody should ask about: the weekly report on the access log (NEW-37).

A finding is a question and no accusation: a receptionist looks up a namesake, a clinician works at night. It
names staff, times and what was looked at by its kind and number, and nothing of a patient.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.govern.access.own import of_their_own
from clinic.govern.access.work import people_at_work
from clinic.record.schema.govern import access_log
from clinic.settings import Access, read_window

ODD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "own-name": "a patient of their own surname",
        "own-record": "a patient who is called as they are: perhaps themselves",
        "own-address": "a patient of the same address as somebody who is called as they are",
        "many-patients": "more single patients in an hour than access.patients_an_hour",
        "out-of-hours": "outside access.hours",
        "no-work": "a campaign or operation with which the trail shows no work of theirs",
        "refused": "refused: the right was missing, or they were not proven",
    }
)
SUBJECT: Final = "access"  # of a look at what is odd
_HOUR: Final = timedelta(hours=1)
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class OddLook:
    """One look, and why it is odd. number: its own in the log; of: "campaign 7", "patient"."""

    number: int
    at: datetime
    person: str
    command: str
    of: str
    patients: int
    why: str


def odd_looks(
    connection: Connection, limits: Access, zone: ZoneInfo, *, since: datetime, until: datetime
) -> list[OddLook]:
    """What is odd of these days, the oldest first; a look may be so for several reasons."""
    a = access_log.c
    query = sa.select(access_log).where(a.at >= since, a.at < until).order_by(a.id)
    looks = connection.execute(query).all()
    found = [
        *_refused(looks),
        *_out_of_hours(looks, limits, zone),
        *_many(looks, limits.patients_an_hour),
        *_without_work(connection, looks),
        *_own(connection, looks),
    ]
    return sorted(found, key=lambda one: (one.number, one.why))


def counted(odd: Iterable[OddLook]) -> str:
    """How many of each kind, person by person, as it stands in a letter: "ann: 3 own-name, 12 out-of-hours"."""
    people: dict[str, Counter[str]] = defaultdict(Counter)
    for one in odd:
        people[one.person][one.why] += 1
    return "; ".join(
        f"{person}: {', '.join(f'{n:,} {why}' for why, n in sorted(kinds.items()))}"
        for person, kinds in sorted(people.items())
    )


def _odd(look: Any, why: str) -> OddLook:
    by_number = look.subject_id is not None and look.subject != "patient"
    of = f"{look.subject} {look.subject_id}" if by_number else look.subject
    return OddLook(look.id, look.at, look.person, look.command, of, look.patients, why)


def _refused(looks: Sequence[Any]) -> Iterator[OddLook]:
    return (_odd(look, "refused") for look in looks if look.refused)


def _shown(looks: Sequence[Any]) -> list[Any]:
    """Those that showed somebody; what is looked up of the log itself shows nobody."""
    return [look for look in looks if not look.refused and look.patients]


def _out_of_hours(looks: Sequence[Any], limits: Access, zone: ZoneInfo) -> Iterator[OddLook]:
    windows = {day: [read_window(text) for text in texts] for day, texts in limits.hours.items()}
    for look in _shown(looks) if windows else ():
        at = look.at.astimezone(zone)
        minute, day = at.hour * 60 + at.minute, _WEEKDAYS[at.weekday()]
        if not any(begin <= minute < end for begin, end in windows.get(day, ())):  # type: ignore[call-overload]
            yield _odd(look, "out-of-hours")


def _many(looks: Sequence[Any], most: int) -> Iterator[OddLook]:
    """The look that is one too many in its hour; the next one only of another hour."""
    recent: dict[str, list[datetime]] = defaultdict(list)
    for look in _shown(looks):
        if look.subject != "patient":
            continue
        times = recent[look.person]
        times[:] = [at for at in times if look.at - at < _HOUR] + [look.at]
        if len(times) > most:
            yield _odd(look, "many-patients")
            times.clear()


def _without_work(connection: Connection, looks: Sequence[Any]) -> Iterator[OddLook]:
    shown = _shown(looks)
    at_work = people_at_work(connection, {(look.subject, look.subject_id) for look in shown})
    for look in shown:
        people = at_work.get((look.subject, look.subject_id))
        if people is not None and look.person not in people:
            yield _odd(look, "no-work")


def _own(connection: Connection, looks: Sequence[Any]) -> Iterator[OddLook]:
    single = {look.id: look for look in _shown(looks) if look.subject == "patient"}
    pairs = [(look.id, look.person, look.subject_id) for look in single.values()]
    for number, why in of_their_own(connection, pairs):
        yield _odd(single[number], why)
