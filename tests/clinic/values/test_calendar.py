"""ARC-15, NEW-4: when a channel may be used, by the wall clock of a zone whose clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clinic.errors import SettingsWrong
from clinic.settings import Hours, Organisation, Settings
from clinic.values.calendar import Calendar, Week, calendar_of

MINUTE = timedelta(minutes=1)

OFFICE = {
    "text": {
        **dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("08:00-12:30", "14:00-18:00")),
        "sat": ("09:00-12:00",),
    },
    "voice": {"mon": ("10:00-16:00",)},
    "country": "GB",
    "subdivision": "ENG",
    "closed": ["2026-03-05"],
}


def office(zone: str = "Europe/London") -> Calendar:
    return calendar_of(
        Settings(hours=Hours.model_validate(OFFICE), organisation=Organisation(time_zone=zone))
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "opens", "why"),
    [
        ("2026-03-02 07:59:59", "2026-03-02 08:00:00", "a second before the window"),
        ("2026-03-02 08:00:00", "2026-03-02 08:00:00", "its first second"),
        ("2026-03-02 12:29:59", "2026-03-02 12:29:59", "its last second"),
        ("2026-03-02 12:30:00", "2026-03-02 14:00:00", "its end is outside: the second window"),
        ("2026-03-02 18:00:00", "2026-03-03 08:00:00", "the next day"),
        ("2026-03-04 18:00:00", "2026-03-06 08:00:00", "over a day closed by the settings"),
        ("2026-03-07 12:00:00", "2026-03-09 08:00:00", "from Saturday over Sunday"),
        ("2026-04-02 17:00:00", "2026-04-04 08:00:00", "British summer; over Good Friday"),
        ("2026-04-04 11:00:00", "2026-04-07 07:00:00", "over Easter Monday too"),
        ("2026-12-24 18:00:00", "2026-12-29 08:00:00", "Christmas, and Boxing Day made up for"),
    ],
)
def test_a_message_that_meets_closed_hours_waits_for_the_next_opening(
    at: str, opens: str, why: str
) -> None:
    """ARC-15: nothing is sent during the closed hours; messages wait for the next opening."""
    calendar = office()
    assert calendar.next_opening("sms", utc(at)) == utc(opens), why
    assert calendar.next_opening("email", utc(at)) == utc(opens), why
    assert calendar.may_use("sms", utc(at)) == (at == opens), why


def test_calls_have_hours_of_their_own() -> None:
    """ARC-15: voice apart from text."""
    calendar = office()
    assert calendar.may_use("sms", utc("2026-03-02 08:30"))
    assert not calendar.may_use("voice", utc("2026-03-02 08:30"))
    assert calendar.next_opening("voice", utc("2026-03-02 16:00")) == utc("2026-03-09 10:00")


def test_where_nothing_is_set_every_hour_is_open() -> None:
    calendar = calendar_of(Settings())
    at = utc("2026-12-25 03:00")
    assert calendar.may_use("sms", at)
    assert calendar.open_seconds_between("sms", at, at + timedelta(days=400)) == 400 * 86_400


@pytest.mark.parametrize(
    ("country", "christmas", "day", "is_open"),
    [
        ("GB", False, "2026-12-25", False),
        ("", False, "2026-12-25", False),
        ("", False, "2030-12-25", False),
        ("", True, "2026-12-25", True),
        ("GB", True, "2026-12-25", False),  # its holidays are closed all the same
        ("", False, "2026-12-24", True),
        ("GB", False, "2026-04-03", False),  # Good Friday
        ("GB", False, "2027-03-26", False),  # and the next year's
        ("", False, "2026-04-03", True),
    ],
)
def test_christmas_day_is_closed_wherever_hours_are_set_and_nobody_opens_it(
    country: str, christmas: bool, day: str, is_open: bool
) -> None:
    """ARC-15: a settings file without a country closes on no holiday but this."""
    hours = {"text": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("08:00-20:00",))}
    own = Hours.model_validate(
        {**hours, "country": country, "subdivision": "ENG" if country else ""}
    )
    own = own.model_copy(update={"christmas": christmas})
    assert calendar_of(Settings(hours=own)).may_use("sms", utc(f"{day} 09:00")) is is_open


def test_a_channel_that_never_opens_says_so() -> None:
    calendar = Calendar(voice=((),) * 7)
    assert calendar.next_opening("voice", utc("2026-03-02 08:00")) is None
    assert calendar.after_open_seconds("voice", utc("2026-03-02 08:00"), 1) is None


NIGHT: Week = (((60, 150),),) * 7  # 01:00 to 02:30, every day


@pytest.mark.parametrize(
    ("zone", "day", "seconds"),
    [
        ("Europe/London", "2026-03-28", 5400),
        ("Europe/London", "2026-03-29", 1800),  # 01:00 to 02:00 does not exist
        ("Europe/London", "2026-10-25", 9000),  # it comes twice
        ("America/New_York", "2026-03-08", 3600),  # 02:00 to 02:30 does not exist
        ("America/New_York", "2026-11-01", 9000),
        ("Australia/Lord_Howe", "2026-10-04", 3600),  # half an hour: 02:00 to 02:30
    ],
)
def test_hours_follow_the_wall_clock_through_its_changes(
    zone: str, day: str, seconds: float
) -> None:
    """NEW-4: an hour that is left out is never open; one that comes twice is open twice."""
    calendar = Calendar(zone, text=NIGHT)
    start = datetime.fromisoformat(day).replace(tzinfo=calendar.zone).astimezone(UTC)
    assert calendar.open_seconds_between("sms", start, start + timedelta(hours=22)) == seconds


def test_a_recipients_own_zone_may_take_the_place_of_the_organisations() -> None:
    at = utc("2026-03-02 08:30")
    assert office().may_use("sms", at)
    assert not office().in_zone("America/New_York").may_use("sms", at)
    assert office().in_zone("America/New_York").next_opening("sms", at) == utc("2026-03-02 13:00")


@st.composite
def _weeks(draw: st.DrawFn) -> Week:
    edges = st.lists(st.integers(0, 24 * 60), max_size=6, unique=True).map(sorted)
    days = [draw(edges) for _ in range(7)]
    return tuple(tuple(zip(day[::2], day[1::2], strict=False)) for day in days)


ZONES = (
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Cairo",
)
AROUND = (
    datetime(2026, 3, 28, tzinfo=UTC),  # London's spring; New York's autumn, and so on
    datetime(2026, 10, 24, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
    datetime(2026, 4, 23, tzinfo=UTC),  # Cairo's, at midnight
    datetime(2026, 3, 7, tzinfo=UTC),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    week=_weeks(),
    zone=st.sampled_from(ZONES),
    around=st.sampled_from(AROUND),
    after=st.integers(0, 2 * 24 * 60),
    length=st.integers(1, 36 * 60),
    closed=st.frozensets(st.sampled_from([date(2026, 3, 29), date(2026, 10, 25)])),
)
def test_it_agrees_with_looking_at_the_clock_every_minute(
    week: Week, zone: str, around: datetime, after: int, length: int, closed: frozenset[date]
) -> None:
    """ARC-15, NEW-4: over any week, zone and change of the clocks, as a slow reference says."""
    calendar = Calendar(zone, text=week, closed=[closed])
    start = around + after * MINUTE
    minutes = [_is_open(week, calendar, closed, start + n * MINUTE) for n in range(length)]
    end = start + length * MINUTE
    assert calendar.open_seconds_between("sms", start, end) == 60 * sum(minutes)
    assert [calendar.may_use("sms", start + n * MINUTE) for n in range(length)] == minutes
    opening = calendar.next_opening("sms", start)
    if any(minutes):
        assert opening == start + minutes.index(True) * MINUTE
        last = length - minutes[::-1].index(True)
        seconds = 60.0 * sum(minutes)
        assert calendar.after_open_seconds("sms", start, seconds) == start + last * MINUTE
    else:
        assert opening is None or opening >= end


def _is_open(week: Week, calendar: Calendar, closed: frozenset[date], at: datetime) -> bool:
    local = at.astimezone(calendar.zone)
    minute = local.hour * 60 + local.minute
    return local.date() not in closed and any(
        minute in range(begin, end) for begin, end in week[local.weekday()]
    )


@pytest.mark.parametrize("window", ["8-12", "12:00-12:00", "14:00-12:00", "08:00-24:30", "08:00"])
def test_a_window_that_makes_no_sense_is_refused(window: str) -> None:
    with pytest.raises((ValidationError, ValueError)):
        Hours(text={"mon": (window,)})


@pytest.mark.parametrize(
    ("hours", "zone"),
    [({"country": "XX"}, "UTC"), ({"country": "GB", "subdivision": "Q"}, "UTC"), ({}, "Mars/Base")],
)
def test_an_unknown_zone_or_country_is_named(hours: dict[str, str], zone: str) -> None:
    office = Organisation().model_copy(update={"time_zone": zone})  # past the check of the settings
    with pytest.raises(SettingsWrong):
        calendar_of(Settings(hours=Hours.model_validate(hours), organisation=office))
