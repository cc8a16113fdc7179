"""ARC-8: when a call that reached nobody is made again: the rules, as tables and for all times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from clinic.errors import NotAllowed
from clinic.message import states
from clinic.message.prepare.resend import begin_resend, waiting_calls
from clinic.message.timing.calling_again import may_call
from clinic.record.database import Record
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import campaign, message
from clinic.settings import Settings
from clinic.settings.gateways.voice import TwilioVoice
from tests.fakes import FakeClock
from tests.main_job import Practice
from tests.servers.providers.cloud import ACCOUNT

LONDON = ZoneInfo("Europe/London")


def section(**rules: Any) -> dict[str, Any]:
    return {
        "type": "twilio_voice", "account": ACCOUNT, "auth_token": "secret", "sender": "+441632960999",
        "callback_url": "https://cohort.example.org", **rules,
    }  # fmt: skip


RULES = TwilioVoice.model_validate(section(wait_minutes=5, apart_hours=2))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("last", "asked", "called"),
    [
        ("2026-03-02 10:00", "2026-03-02 10:01", "2026-03-02 12:00"),  # at once is the same hour
        ("2026-03-02 10:00", "2026-03-02 12:00", "2026-03-02 12:00"),
        ("2026-03-02 10:00", "2026-03-03 08:00", "2026-03-03 08:00"),  # two hours before it
        ("2026-03-02 10:00", "2026-03-03 08:01", "2026-03-03 12:00"),
        ("2026-03-02 10:00", "2026-03-03 10:00", "2026-03-03 12:00"),  # not at ten on any day
        ("2026-03-02 10:00", "2026-03-20 11:59", "2026-03-20 12:00"),
        ("2026-03-02 23:30", "2026-03-04 00:30", "2026-03-04 01:30"),  # past midnight
        ("2026-03-27 10:00", "2026-03-30 09:30", "2026-03-30 11:00"),  # by the clock on the wall
    ],
)
def test_nobody_is_called_at_the_time_of_day_at_which_they_did_not_answer(
    last: str, asked: str, called: str
) -> None:
    assert may_call(at(last), at(asked), RULES, LONDON) == at(called)


WHEN = st.integers(0, 180 * 24 * 3600).map(lambda one: at("2026-04-01") + timedelta(seconds=one))


@given(WHEN, st.integers(0, 60 * 24 * 10), st.integers(0, 11), st.integers(0, 600))
def test_the_time_is_never_sooner_than_asked_and_always_far_enough(
    last: datetime, minutes: int, apart: int, wait: int
) -> None:
    rules = TwilioVoice.model_validate(section(wait_minutes=wait, apart_hours=apart))
    asked = last + timedelta(minutes=minutes)
    called = may_call(last, asked, rules, LONDON)
    assert called >= max(asked, last + timedelta(minutes=wait))
    since = (called - last) % timedelta(days=1)
    assert min(since, timedelta(days=1) - since) >= timedelta(hours=apart)


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Six patients who were called by `calls`, each with another outcome."""
    made = Practice(sqlite_record, clock, tmp_path, channels=("voice",))
    given = made.settings.model_dump(exclude_unset=True)
    calls = {"gateways": {"calls": section()}, "channels": {"voice": {"gateways": ["calls"]}}}
    made.settings = Settings.model_validate(given | calls)
    made.patients(6)
    made.gateway.name = "calls"
    made.run(made.everybody(6), channel="voice")
    fates = [
        (states.DELIVERED, None), (states.UNDELIVERED, "not_answered"), (states.UNDELIVERED, "busy"),
        (states.UNDELIVERED, "machine_answered"), (states.UNDELIVERED, "no_receipt"),
        (states.UNKNOWN, None),
    ]  # fmt: skip
    put(made, 1, fates)
    return made


def put(practice: Practice, number: int, fates: list[tuple[str, str | None]]) -> None:
    """The outcomes of a campaign's calls, at the clock's time, in the order of its rows."""
    with practice.record.write() as connection:
        keys = connection.scalars(
            sa.select(message.c.id).where(message.c.campaign_id == number).order_by(message.c.id)
        ).all()
        for key, (state, reason) in zip(keys, fates, strict=True):
            connection.execute(
                sa.update(message)
                .where(message.c.id == key)
                .values(state=state, reason=reason, status_at=practice.clock.now())
            )


def resend(practice: Practice, number: int) -> int:
    return begin_resend(
        practice.record, practice.clock, practice.settings, number, request_key=f"again {number}",
        gateway="calls", batch_limit=50,
    )  # fmt: skip


def calls_are_made(practice: Practice, *windows: str) -> None:
    """Within these on every day."""
    given = practice.settings.model_dump(exclude_unset=True)
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    given["hours"] = {"voice": dict.fromkeys(days, windows)}
    practice.settings = Settings.model_validate(given)


def rows_of(practice: Practice, number: int) -> list[int]:
    with practice.record.read() as connection:
        own = sa.select(campaign.c.list_id).where(campaign.c.id == number).scalar_subquery()
        return list(
            connection.scalars(
                sa.select(list_row.c.row_number)
                .where(list_row.c.list_id == own)
                .order_by(list_row.c.row_number)
            )
        )


def test_who_was_not_reached_is_called_again_alone_and_later(
    practice: Practice, clock: FakeClock
) -> None:
    """ARC-8: a busy line, a machine and no answer; never whom it reached, nor whose fate is not known."""
    with pytest.raises(NotAllowed, match="resend-not-yet") as refused:
        resend(practice, 1)
    assert "3 calls" in refused.value.says
    clock.sleep(3_600)
    assert waiting_calls(practice.record, practice.settings, 1, clock.now()).ready == [3, 4, 5]
    assert rows_of(practice, resend(practice, 1)) == [3, 4, 5]


def test_nobody_is_called_more_often_than_is_set(practice: Practice, clock: FakeClock) -> None:
    """ARC-8: two calls of one message at most, the first included."""
    clock.sleep(7_200)
    number = resend(practice, 1)
    practice.finish(number)
    put(practice, number, [(states.UNDELIVERED, "not_answered")] * 3)
    clock.sleep(7_200)
    with pytest.raises(NotAllowed, match="resend-called"):
        resend(practice, number)


def test_a_call_that_must_wait_for_its_hours_is_judged_by_when_they_open(
    practice: Practice, clock: FakeClock
) -> None:
    """ARC-15: asked in the evening, it would be made at ten the next day, at the time of day of the last."""
    calls_are_made(practice, "10:00-12:00")
    clock.sleep(8 * 3_600)  # 18:00
    with pytest.raises(NotAllowed, match="resend-not-yet"):
        resend(practice, 1)


@pytest.mark.parametrize(
    ("windows", "says"),
    [
        (("10:00-10:30", "14:00-15:00"), "from 2 Mar 14:00 on"),
        (("09:30-10:30", "10:45-11:30"), "from 2 Mar 11:00 on"),
        (("09:30-10:30",), "hours.voice"),
    ],
)
def test_the_time_that_is_named_is_one_at_which_calls_are_made(
    practice: Practice, windows: tuple[str, ...], says: str
) -> None:
    """ARC-15: who comes back then calls; where there is none, it says which settings are in the way."""
    calls_are_made(practice, *windows)
    with pytest.raises(NotAllowed, match="resend-not-yet") as refused:
        resend(practice, 1)
    assert says in refused.value.says
