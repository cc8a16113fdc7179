"""NEW-25: what the messages say is judged where they are staged, and nothing goes that nobody answers for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused, NotAllowed
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.meanwhile.day_moved import words_of_another_day
from clinic.message.prepare.approve import is_needed, release_campaign
from clinic.message.prepare.content import findings_of, require_accepted
from clinic.message.prepare.day_words import may_be_sent_later, require_same_day
from clinic.message.prepare.review import review_campaign
from clinic.message.safety.accepted import keep_acceptances
from clinic.message.template.variables import Setting
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.values.calendar import ALWAYS, Calendar, Week
from tests.fakes import FakeClock
from tests.main_job import Practice

KEEPS = "Dear {{ patient.given_name }}, your hospice visit is on Monday"


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(5)
    return practice


def staged(practice: Practice, text: str, **request: object) -> int:
    practice.template(text, key="own")
    number = practice.begin(practice.everybody(5), template="own", **request)
    practice.check(number)
    practice.stage(number, block_rows=2)
    return number


def gate(practice: Practice, number: int) -> None:
    require_accepted(practice.record, practice.clock, practice.settings, number)


def state_of(practice: Practice, number: int) -> tuple[str, str | None]:
    with practice.record.read() as connection:
        own = get_campaign(connection, number)
    return own.state, own.state_reason


def test_what_nobody_accepts_is_refused_and_says_class_phrase_and_rows(practice: Practice) -> None:
    """NEW-25: for whatever starts the run; no name of a patient is in what is said."""
    number = staged(practice, KEEPS)
    with pytest.raises(CohortRefused) as refused:
        gate(practice, number)
    says = str(refused.value)
    assert "the end of life or a death (“hospice”): 5 messages, first rows 2, 3, 4, 5, 6" in says
    assert "--accept content_end_of_life=REASON" in says
    assert state_of(practice, number) == (states.REFUSED, "content-not-accepted")


def test_each_message_of_a_class_is_counted_once_whatever_it_has_of_it(practice: Practice) -> None:
    """NEW-25: over several blocks; some have one phrase, some another, one has both."""
    text = (
        "Call us{% if patient.given_name == 'Given1' %}: hospice{% endif %}"
        "{% if patient.given_name == 'Given2' %}: hospice and palliative team{% endif %}"
        "{% if patient.given_name == 'Given5' %}: palliative team{% endif %}"
    )
    number = staged(practice, text)
    with practice.record.read() as connection:
        (found,) = findings_of(connection, number)
    assert (found.messages, found.rows, len(found.phrases)) == (3, (2, 3, 6), 2)


def test_the_release_asks_again(practice: Practice) -> None:
    """NEW-25: a way that passed no gate ends here."""
    number = staged(practice, KEEPS)
    with pytest.raises(NotAllowed, match="content-not-accepted"):
        release_campaign(
            practice.record, practice.clock, practice.settings, number, timing_of(practice.settings)
        )


def test_a_name_and_a_reason_let_it_pass_and_are_on_the_trail(practice: Practice) -> None:
    """NEW-25: a class of two persons waits for a second approver; the review names who accepted."""
    number = staged(practice, KEEPS)
    assert review_campaign(practice.record, number, segment_cost=0).to_accept == (
        "content_end_of_life",
    )
    reason = {"content_end_of_life": "they know"}
    keep_acceptances(practice.record, practice.clock, number, reason, by="ann")
    gate(practice, number)
    gate(practice, number)
    review = review_campaign(practice.record, number, segment_cost=0)
    assert review.to_accept == ()
    assert "Accepted by ann." in review.warnings[0].says
    with practice.record.read() as connection:
        acts = sa.select(audit_act.c.operator).where(
            audit_act.c.operation_type == "safety.accepted"
        )
        assert connection.scalars(acts).all() == ["ann"]
        assert is_needed(connection, get_campaign(connection, number), practice.settings)


@pytest.mark.parametrize(
    ("text", "request_", "found"),
    [
        ("Dear {{ patient.given_name }}, come on Monday", {}, []),
        (KEEPS, {"dry_run": True}, ["content_end_of_life"]),
    ],
)
def test_everyday_texts_and_dry_runs_are_not_asked_about(
    practice: Practice, text: str, request_: dict[str, object], found: list[str]
) -> None:
    """NEW-25: a dry run reaches nobody, and shows what would be asked."""
    number = staged(practice, text, **request_)
    gate(practice, number)
    with practice.record.read() as connection:
        assert [one.code for one in findings_of(connection, number)] == found
    assert state_of(practice, number)[0] == states.CHECKING


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        (
            "Dear [Jo Jones], call us",
            "content_placeholder",
            "to be filled: 5 messages, first rows 2",
        ),
        ("Call us: https://tinyurl.com/x", "content_shortener", "Nobody can accept it."),
        ("Call us: www.elm.co.uk", "content_domain", "--accept content_domain=REASON"),
    ],
)
def test_places_to_fill_and_links_stop_a_run_too(
    practice: Practice, text: str, code: str, says: str
) -> None:
    """NEW-25: and what nobody may accept is not accepted by its code either."""
    number = staged(practice, text)
    if "Nobody" in says:
        with pytest.raises(CohortRefused, match="acceptance-unknown"):
            keep_acceptances(practice.record, practice.clock, number, {code: "sure"}, by="ann")
    review = review_campaign(practice.record, number, segment_cost=0)
    assert review.to_accept == (code,)
    own = next(
        one for one in ("[Jo Jones]", "tinyurl.com", "elm.co.uk") if one in review.warnings[0].says
    )
    with pytest.raises(CohortRefused) as refused:
        gate(practice, number)
    assert says in str(refused.value)
    # A run's state has it: a shortener is a word of our list, the rest is the message's own
    assert (own in str(refused.value)) is (own == "tinyurl.com")
    assert state_of(practice, number) == (states.REFUSED, "content-not-accepted")


@pytest.mark.parametrize(
    ("text", "days", "found"),
    [
        ("Our clinic is tomorrow", 3, ["content_day_word"]),
        ("Our clinic is tomorrow", None, []),
        ("Our clinic is on Friday 13 March", 3, []),
    ],
)
def test_a_text_that_may_be_sent_on_another_day_names_no_day_by_today(
    practice: Practice, text: str, days: int | None, found: list[str]
) -> None:
    """NEW-25: for whatever starts the run."""
    practice.template(text, key="own")
    number = practice.begin(practice.everybody(5), template="own", stagger_days=days)
    practice.check(number)
    practice.stage(number)
    with practice.record.read() as connection:
        assert [one.code for one in findings_of(connection, number)] == found


LATER = [
    ({}, ALWAYS, False),
    ({"stagger_days": 3}, ALWAYS, True),
    ({"start_at": timedelta(days=2)}, ALWAYS, True),
    ({"start_at": timedelta(hours=2)}, ALWAYS, False),
    ({}, [[(0, 9 * 60)]] * 7, True),  # it is ten, and hours are over
    ({"pace_day": 4}, ALWAYS, True),
    ({"pace_day": 5, "pace_hour": 1}, ALWAYS, False),
    ({"pace_hour": 1}, [[(600, 840)]] * 7, True),  # five hours of work in four
]


@pytest.mark.parametrize(("asked", "week", "later"), LATER)
def test_when_some_of_it_may_be_sent_on_another_day(
    practice: Practice, asked: dict[str, Any], week: Week, later: bool
) -> None:
    """Scheduled, spread, after hours, or at too slow a pace."""
    now = practice.clock.now()
    with practice.record.read() as connection:
        job = get_campaign(connection, practice.begin(practice.everybody(5)))
    if "start_at" in asked:
        asked = {"start_at": now + asked["start_at"]}
    setting = Setting(practice.settings.organisation, now, calendar=Calendar(text=week))
    assert may_be_sent_later(replace(job, **asked), setting, now) is later
    assert may_be_sent_later(replace(job, **asked), setting, now - timedelta(days=1))


def test_who_approves_on_another_day_does_not_let_tomorrow_go(practice: Practice) -> None:
    """NEW-25: nor is it sent where it was released and not sent yet, unless it was accepted."""
    practice.template("Our clinic is tomorrow", key="own")
    practice.template("Our clinic is on Friday 13 March", key="dated")
    timing = timing_of(practice.settings)
    for key, accept, stops in (
        ("own", {}, True),
        ("own", {"content_day_word": "It is the name of the clinic"}, False),
        ("dated", {}, False),
    ):
        number = practice.begin(
            practice.everybody(5), template=key, request_key=f"{key}{stops}", again=True,
            accept=accept, requested_by="nia",
        )  # fmt: skip
        with practice.record.read() as connection:
            job = get_campaign(connection, number)
            later = practice.clock.now() + timedelta(days=1)
            require_same_day(connection, job, timing, practice.clock.now())
            moved = words_of_another_day(connection, number, later, timing.calendar.zone)
            assert bool(moved) is stops
            if stops:
                with pytest.raises(NotAllowed, match="says tomorrow, and was asked for on 2 Mar"):
                    require_same_day(connection, job, timing, later)
            else:
                require_same_day(connection, job, timing, later)
