"""NEW-16: reminders that waited do not leave on what has become too old meanwhile."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused
from clinic.message.outcomes.standing import campaigns_now
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.control import resume
from clinic.message.reminders.stale import wake_held
from clinic.message.template.catalogue import seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.messages import campaign
from clinic.record.schema.safety import stale_acceptance
from clinic.settings import Settings
from tests.data_checks.sync.evening import book, imported, night, settings
from tests.fakes import FakeClock
from tests.ledgers import message_states
from tests.main_job import Practice

YES = {"stale_sources": "Nothing was moved: the clinic is closed"}


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(2)
    seed_catalogue(record, clock, TEMPLATES)
    book(made)
    made.settings = settings(made)
    return made


def checked(practice: Practice, **more: object) -> int:
    """Tonight's reminders, checked and written; nothing left yet."""
    night(practice, practice.settings, **more)
    with practice.record.read() as connection:
        number = int(connection.scalar(sa.select(sa.func.max(campaign.c.id))) or 0)
    practice.stage(number)
    return number


def fresh(practice: Practice, hours_ago: float = 1) -> None:
    imported(practice, "appointments", hours_ago=hours_ago)
    imported(practice, "consents", hours_ago=hours_ago)


def later(practice: Practice, hours: float) -> None:
    practice.clock.sleep(hours * 3600)  # type: ignore[attr-defined]  # a clock of tests


def said(practice: Practice) -> str:
    (one,) = campaigns_now(practice.record, practice.clock.now(), accepted_errors=0.1)
    return one.says


def test_reminders_that_were_checked_in_time_are_held_once_their_sources_are_too_old(
    practice: Practice,
) -> None:
    """They go on by themselves after an import, and leave once."""
    fresh(practice)
    number = checked(practice)
    later(practice, 25)
    practice.send(number, 1)
    assert message_states(practice.record, number) == {"pending": 1}
    assert "appointments of emis are 26 hours old" in said(practice)
    assert "stale_sources" in summarize(practice.record, practice.clock, number).why
    fresh(practice)
    with practice.record.write() as connection:
        assert wake_held(connection) == 1
    practice.send(number, 1)
    assert message_states(practice.record, number) == {"accepted": 1}


def test_an_import_that_a_check_stopped_lets_nothing_leave(practice: Practice) -> None:
    fresh(practice)
    number = checked(practice)
    later(practice, 25)
    imported(practice, "appointments", hours_ago=0, state="stopped")
    imported(practice, "consents", hours_ago=0)
    practice.send(number, 1)
    assert message_states(practice.record, number) == {"pending": 1}


def test_what_is_held_is_looked_at_again_by_itself(practice: Practice) -> None:
    """Whoever brings the data back by another way, a restore for one, has to wake nobody."""
    fresh(practice)
    number = checked(practice)
    later(practice, 25)
    practice.send(number, 1)
    fresh(practice)
    practice.send(number, 1)
    assert message_states(practice.record, number) == {"pending": 1}
    later(practice, 0.6)
    practice.send(number, 1)
    assert message_states(practice.record, number) == {"accepted": 1}


def test_a_yes_at_the_check_counts_as_an_import_of_that_moment_and_no_longer(
    practice: Practice,
) -> None:
    """NEW-10: by whom and until when stands in the record, sealed."""
    number = checked(practice, accept=YES)
    with practice.record.read() as connection:
        kept = connection.execute(sa.select(stale_acceptance)).one()
    assert (kept.accepted_by, kept.until - kept.accepted_at) == ("nia", timedelta(hours=24))
    later(practice, 23)
    practice.send(number, 1)
    assert message_states(practice.record, number) == {"accepted": 1}


def test_a_yes_that_has_run_out_is_asked_for_again(practice: Practice) -> None:
    number = checked(practice, accept=YES)
    later(practice, 25)
    practice.send(number, 1)
    assert message_states(practice.record, number) == {"pending": 1}
    again(practice, number, "I rang the clinic: nothing was moved")
    practice.send(number, 1)
    assert message_states(practice.record, number) == {"accepted": 1}
    with practice.record.read() as connection:
        acts = list(connection.scalars(sa.select(audit_act.c.operation_type)))
        assert connection.scalar(sa.select(sa.func.count()).select_from(stale_acceptance)) == 2
    assert acts.count("stale.accepted") == 2


def again(practice: Practice, number: int, reason: str) -> None:
    resume(
        practice.record, practice.clock, number, by="nia", reason="", timing=timing_of(practice.settings),
        stale=reason, settings=practice.settings,
    )  # fmt: skip


def test_an_override_of_the_gate_counts_as_long_as_a_yes(practice: Practice) -> None:
    number = checked(practice, override_gate="all is well")
    practice.send(number, 1)
    assert message_states(practice.record, number) == {"accepted": 1}


def test_other_campaigns_do_not_wait_for_sources(practice: Practice) -> None:
    number = practice.begin(practice.everybody(2), request_key="reviews")
    practice.check(number)
    practice.stage(number)
    practice.send(number, 1)
    assert message_states(practice.record, number) == {"accepted": 2}
    with pytest.raises(CohortRefused, match="not of reminders"):
        again(practice, number, "all is well")


def test_where_any_age_will_do_nothing_is_held(practice: Practice) -> None:
    fresh(practice)
    number = checked(practice)
    later(practice, 25)
    practice.settings = Settings(**(practice.settings.model_dump() | {"sources": {}}))
    practice.send(number, 1)
    assert message_states(practice.record, number) == {"accepted": 1}
