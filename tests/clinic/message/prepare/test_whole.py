"""NEW-30: ten thousand instead of a hundred takes its number and two persons; and how many may call at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from clinic.errors import CohortRefused, NotAllowed
from clinic.message.campaign.campaign import get_campaign
from clinic.message.prepare.approve import counts_of, is_needed, release_campaign
from clinic.message.prepare.content import has_number, require_accepted
from clinic.message.prepare.review import review_campaign
from clinic.message.prepare.usual import Size, why_unusual
from clinic.message.safety.accepted import acceptances_of
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.settings import Contact, Content, Organisation, Pace, Pacing, Phones, Release, Settings
from tests.fakes import FakeClock
from tests.main_job import Practice

USUAL, LARGE = 4, 21  # more than five times as many
UNUSUAL, CALL, CALLING = "unusual_size", "content_call", "content_calling"
CALLS = "Your flu vaccination is due. Please call us to book."


@pytest.mark.parametrize(
    ("size", "why"),
    [
        (Size(10_000, 100, 90_000), "more than 5 times the usual 100"),
        (Size(500, 100, 90_000), ""),
        (Size(501, 100, 90_000), "more than 5 times the usual 100"),
        (Size(10_000, None, 90_000), ""),  # nothing is known yet
        (Size(2_000, None, 10_000), ""),
        (Size(2_001, None, 10_000), "more than 20% of 10,000 patients"),
        (Size(900, None, 1_000), ""),  # a trial, or the smallest of practices
        (Size(3_000, 2_900, 10_000), "more than 20% of 10,000 patients"),
        (
            Size(1_000_000, 100_000, 1_200_000),
            "more than 5 times the usual 100,000, and more than 20% of 1,200,000 patients",
        ),
    ],
)
def test_what_is_unusual(size: Size, why: str) -> None:
    assert why_unusual(size, Release()) == why
    assert len(why) <= 80
    assert why_unusual(size, Release(unusual_times=0, unusual_share=1)) == ""


@pytest.mark.parametrize(
    ("reason", "has"),
    [
        ("2150 the yearly flu invitation", True),
        ("All 2,150 of them", True),
        ("It is right", False),
        ("21500 the yearly flu invitation", False),
        ("250 are meant", False),
    ],
)
def test_a_reason_counts_with_the_number_that_it_is_for(reason: str, has: bool) -> None:
    assert has_number(reason, 2150) is has


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    return made_on(sqlite_record, clock, tmp_path)


@pytest.fixture
def either(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """On SQLite and on PostgreSQL."""
    return made_on(record, clock, tmp_path)


def made_on(record: Record, clock: FakeClock, home: Path) -> Practice:
    made = Practice(record, clock, home, settings=settings_of(record, home))
    made.patients(LARGE)
    made.template("Another text.", key="other")
    made.template(CALLS, key="calls")
    return made


def settings_of(record: Record, home: Path, **given: Any) -> Settings:
    values: dict[str, Any] = {
        "release": Release(unusual_least=10),
        "content": Content(calls_an_hour=2),
        "contact": Contact(most=0, same_days=0),
        "organisation": Organisation(),
    }
    return Settings(
        home=home,
        record_url=record.engine.url.render_as_string(hide_password=False),
        operator="nia",
        phones=Phones(test_range=True),
        **(values | given),
    )


def usual_ones(practice: Practice, count: int = 3, **values: Any) -> None:
    for n in range(count):
        path = practice.everybody(USUAL + n % 2)
        practice.run(path, **({"request_key": f"usual {n}", "again": True} | values))


def large(practice: Practice, **values: Any) -> int:
    asked = {"request_key": "large", "requested_by": "nia"} | values
    number = practice.begin(practice.everybody(LARGE), **asked)
    practice.check(number)
    practice.stage(number)
    return number


def gate(practice: Practice, number: int) -> None:
    require_accepted(practice.record, practice.clock, practice.settings, number)


def to_accept(practice: Practice, number: int) -> tuple[str, ...]:
    return review_campaign(practice.record, number, segment_cost=0).to_accept


def test_far_more_than_usual_is_stopped_by_whatever_way(either: Practice) -> None:
    """Of a template that was used once before, the review says it, the run is refused, and the release too."""
    usual_ones(either, 1)
    number = large(either)
    review = review_campaign(either.record, number, segment_cost=0)
    assert review.to_accept == (UNUSUAL,)
    assert "21 messages are an unusual number here (more than 5 times the usual 4)" in str(review)
    timing = timing_of(either.settings)
    with pytest.raises(NotAllowed, match="words or number"):
        release_campaign(either.record, either.clock, either.settings, number, timing)
    with pytest.raises(CohortRefused, match='--accept unusual_size="21 REASON"'):
        gate(either, number)


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ({"template": "other"}, True),  # by the sender, who sent three
        ({"template": "other", "requested_by": "ann"}, False),  # of whom nobody knows
        ({"override_gate": "The list is right"}, True),
        ({"accept": {UNUSUAL: "The list is right"}}, True),  # and whoever said so has not seen 21
        ({"accept": {UNUSUAL: "20 of the flu list"}}, True),
        ({"accept": {UNUSUAL: "21 of the flu list"}}, False),
    ],
)
def test_who_is_asked(practice: Practice, values: dict[str, Any], asked: bool) -> None:
    usual_ones(practice)
    assert to_accept(practice, large(practice, **values)) == ((UNUSUAL,) if asked else ())


def test_with_its_number_and_a_reason_it_waits_for_a_second_person(practice: Practice) -> None:
    """No threshold is set: one person alone may send any number that is usual, and not this one."""
    usual_ones(practice)
    number = large(practice, accept={UNUSUAL: "21 for the yearly flu invitation"})
    gate(practice, number)
    with practice.record.read() as connection:
        (kept,) = acceptances_of(connection, number)
        assert (kept.by, kept.applied, kept.two_persons) == ("nia", True, True)
        job = get_campaign(connection, number)
        assert is_needed(connection, job, practice.settings)
        shown = counts_of(connection, job, practice.settings)
    assert shown["unusual"] == "more than 5 times the usual 4"


def test_a_dry_run_says_it_and_asks_nothing_and_is_no_custom(practice: Practice) -> None:
    usual_ones(practice, dry_run=True)
    assert to_accept(practice, large(practice)) == ()
    usual_ones(practice, request_key="a real one", count=1)
    rehearsed = large(practice, dry_run=True, request_key="trial")
    review = review_campaign(practice.record, rehearsed, segment_cost=0)
    assert ([one.code for one in review.warnings], review.to_accept) == ([UNUSUAL], ())


@pytest.mark.parametrize(
    ("request_", "pacing", "found"),
    [
        ({}, Pacing(), CALL),
        ({"per_hour": 2}, Pacing(), None),
        ({"per_hour": 3}, Pacing(), CALLING),
        ({"per_hour": 16}, Pacing(), CALLING),
        ({"per_hour": 17}, Pacing(), CALL),  # more in an hour than on a day
        ({"stagger_days": 11}, Pacing(), None),  # two on a day
        ({"stagger_days": 10}, Pacing(), CALLING),
        ({}, Pacing(campaign=Pace(per_hour=2)), None),
        ({}, Pacing(sms=Pace(per_day=2)), None),
        ({}, Pacing(email=Pace(per_day=2)), CALL),
    ],
)
def test_who_are_asked_to_call_can_be_answered(
    practice: Practice, request_: dict[str, Any], pacing: Pacing, found: str | None
) -> None:
    """A text that asks to call, to 21 patients, of a practice whose lines take 2 calls an hour: 16 on a day."""
    practice.settings = settings_of(practice.record, practice.folder, pacing=pacing)
    number = large(practice, template="calls", **request_)
    review = review_campaign(practice.record, number, segment_cost=0)
    assert [one.code for one in review.warnings] == ([found] if found else [])
    assert review.to_accept == ((CALL,) if found == CALL else ())
    if found == CALLING:
        gate(practice, number)
        assert "--accept" not in review.warnings[0].says


def test_the_pace_that_fits_is_said_and_a_person_may_know_better(either: Practice) -> None:
    first = large(either, template="calls")
    with pytest.raises(CohortRefused) as refused:
        gate(either, first)
    says = re.sub(r"\s+", " ", str(refused.value))
    assert "asks to call: 21 messages" in says
    assert "2 calls an hour (content.calls_an_hour): at that pace it takes 11 hours" in says
    assert "--per-hour 2, in a run per_hour; or --days 11" in says
    accept = {CALL: "Six lines are open on Saturday"}
    second = large(either, template="calls", request_key="second", accept=accept)
    gate(either, second)
    with either.record.read() as connection:
        assert not is_needed(connection, get_campaign(connection, second), either.settings)
        assert [one.applied for one in acceptances_of(connection, second)] == [True]
