"""
Of what day a list is: what it says of its patients was true then (NEW-29).

    given with the request        --as-of; in a run as_of
    a column that says it         "Extracted on", "As at", or one that freshness.columns names: its oldest day
    a day in the file's name      flu-2026-11-03.csv, Flu 3 Nov 2026.xlsx
    when the file last changed
    when it was made              pasted ids and filters; of a group, when its members last changed

A day that is yet to come says nothing of this: it is the clinic's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import ListRefused
from clinic.record.schema.govern import audit_act
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.people import patient_group
from clinic.settings import Settings
from clinic.values.dates import Order, infer_order
from clinic.values.days import latest_day

_SOURCES: Final = {
    "given": "as whoever asked for it said",
    "column": "by a column of the list",
    "name": "by its file's name",
    "file": "when its file last changed",
    "made": "when it was made",
}
_DONE: Final = (
    r"(?:extract(?:ed|ion)?|export(?:ed)?|snapshot|generated|(?:report|search|query) run|run)"
)
_HEADING: Final = re.compile(
    rf"(?:data |list )?as (?:of|at)(?: date)?|{_DONE} (?:on|at|date)|(?:extracted|exported|generated)"
    rf"|date (?:of )?{_DONE}"
)
# A name tells a day where it tells the year, of two digits beside day and month
_YEAR: Final = re.compile(
    r"(?<!\d)20\d\d|(?<!\d)\d{1,2}(?P<mark>[-/.])\d{1,2}(?P=mark)\d\d(?!\d)"
    r"|(?<!\d)\d{1,2}(?:st|nd|rd|th)?[-/. ]?[a-z]{3,9}[-/. ]?'?\d\d(?!\d)",
    re.IGNORECASE,
)
# 20261103, also with a time behind it; 03112026; 2026 11 03 and 03 11 2026: written with dashes
_COMPACT: Final = re.compile(r"(?<!\d)(20\d\d) ?(\d\d) ?(\d\d)(?=(?:\d{4}|\d{6})?(?!\d))")
_BACKWARDS: Final = re.compile(
    r"(?<!\d)(?:(\d\d)(\d\d)(20\d\d)|(\d{1,2}) (\d{1,2}) (20\d\d))(?!\d)"
)
# Of the patients, and not of the list: "not seen since 1 Jan 2025", "born before 01.09.2010"
_OF_PATIENTS: Final = re.compile(
    r"\b(?:since|after|before|from|born|dob|seen|until|till|by)(?: (?:on|in|or|the))*\W+"
    r"(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}(?:st|nd|rd|th)?[-/. ]?[a-z]{3,9}[-/., ]*\d{2,4}"
    r"|[a-z]{3,9}[-/. ]\d{1,2}(?:st|nd|rd|th)?[-/., ]+\d{4})",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class AsOf:
    """The day that a list is of, and by what it is known: a key of _SOURCES."""

    day: date
    source: str

    def age(self, on: date) -> int:
        """In days."""
        return (on - self.day).days

    @property
    def says(self) -> str:
        """The day and how it is known: "3 Nov 2026 (by its file's name)"."""
        return f"{self.day:%-d %b %Y} ({_SOURCES[self.source]})"

    def says_on(self, today: date) -> str:
        """And how old that is."""
        days = self.age(today)
        return self.says if days <= 0 else f"{self.says}, {days:,} day{'s' * (days > 1)} ago"


@dataclass(frozen=True)
class Dating:
    """
    How the day of a list is found. given: by whoever asks; columns: headings that say it, as set; order: of day
    and month where nothing proves it.
    """

    given: date | None = None
    columns: Sequence[str] = ()
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("UTC"))
    order: Order = "dmy"

    def today(self, now: datetime) -> date:
        """In the organisation's time zone."""
        return now.astimezone(self.zone).date()

    def of_file(self, path: Path | None, now: datetime) -> AsOf:
        """
        As far as a file can be dated without reading it; None: it was pasted.

        Raises:
            ListRefused: the day that was given is yet to come
        """
        today = self.today(now)
        if self.given is not None:
            if self.given > today:
                raise ListRefused(
                    "list-of-the-future",
                    f"the list is said to be of {self.given:%-d %b %Y}, and it is {today:%-d %b %Y}: give "
                    "the day on which it was exported",
                )
            return AsOf(self.given, "given")
        if path is None:
            return AsOf(today, "made")
        named = _day_in(path.stem, today, self.order)
        if named is not None:
            return AsOf(named, "name")
        # By the clock that set it: the age is the same whatever the record's clock says
        age = max(0.0, time.time() - path.stat().st_mtime)
        return AsOf(self.today(now - timedelta(seconds=age)), "file")

    def column_in(self, headings: Iterable[str]) -> str | None:
        """The heading of the column that says it; None: none does, or its day was given."""
        if self.given is not None:
            return None
        own = {name.strip().casefold() for name in self.columns}
        for heading in headings:
            plain = " ".join(re.sub(r"[\W_]+", " ", heading.casefold()).split())
            if heading.strip().casefold() in own or _HEADING.fullmatch(plain):
                return heading
        return None

    def oldest(self, texts: Iterable[str], now: datetime) -> AsOf | None:
        """The oldest day of a column that says it: the list is as old as its oldest row."""
        today, told = self.today(now), list(texts)
        # The order that the days prove, whatever time stands behind them
        order = infer_order((text.partition(" ")[0] for text in told), otherwise=self.order)
        days = [latest_day(text, order=order, today=today) for text in told]
        past = [day for day in days if day is not None and day <= today]
        return AsOf(min(past), "column") if past else None


def dating_of(settings: Settings, given: date | None = None) -> Dating:
    """As this installation dates its lists."""
    zone = ZoneInfo(settings.organisation.time_zone)
    order: Order = "mdy" if settings.hours.country == "US" else "dmy"
    return Dating(given, settings.freshness.columns, zone, order)


def group_as_of(connection: Connection, code: str, dating: Dating) -> AsOf | None:
    """When its members last changed; None: nobody knows."""
    acts = audit_act.c
    changed = connection.scalar(
        sa.select(sa.func.max(acts.timestamp))
        .join(patient_group, patient_group.c.id == acts.subject_id)
        .where(acts.subject == "group", patient_group.c.code == code)
    )
    return None if changed is None else AsOf(dating.today(changed), "made")


def read_as_of(connection: Connection, list_id: int) -> AsOf:
    """Of what day a list is that was imported; one from before this was kept is of when it was made."""
    own = cohort_list.c
    row = connection.execute(
        sa.select(own.as_of, own.as_of_from, own.taken_at).where(own.id == list_id)
    ).one()
    if row.as_of is None:
        return AsOf(row.taken_at.date(), "made")
    return AsOf(row.as_of, row.as_of_from)


def _day_in(name: str, today: date, order: Order) -> date | None:
    """The day that a file's name tells with its year; None: it tells none, or one to come."""
    plain = _COMPACT.sub(r"\1-\2-\3 ", " ".join(name.replace("_", " ").split()))
    plain = _BACKWARDS.sub(lambda told: "-".join(filter(None, told.groups())), plain)
    plain = _OF_PATIENTS.sub(" ", plain)
    found = latest_day(plain, order=order, today=today) if _YEAR.search(plain) else None
    return found if found is not None and found <= today else None
