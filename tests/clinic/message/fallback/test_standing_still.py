"""Decision 0051: what was approved is what is done; where anything is in doubt, nobody is taken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from clinic.errors import CohortError
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.sending_stop import stop_and_hold
from clinic.message.following.standing import fallback_of
from clinic.message.outcomes.outcome_rows import outcome_rows
from clinic.message.prepare.approve import counts_of, is_needed
from clinic.message.prepare.control import cancel, pause
from clinic.message.prepare.due import due_campaigns
from clinic.message.prepare.manifest import manifest_of
from clinic.message.prepare.review import review_campaign
from clinic.record.database import Record
from clinic.record.schema.campaigns import fallback_person
from clinic.record.schema.govern import audit_act
from clinic.record.schema.messages import campaign, installation
from clinic.settings import Release
from clinic.settings.gateways.channel import EmailGateway, SmsGateway
from tests.clinic.message.fallback.practices import HOURS, TwoWays
from tests.fakes import FakeClock
from tests.main_job import nhs


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> TwoWays:
    return TwoWays(record, clock, tmp_path)


def _half(practice: TwoWays) -> int:
    """A campaign of two, checked and staged, of whom the second has no mobile."""
    practice.patient(1)
    practice.patient(2, mobile=None)
    number = practice.begin(practice.everybody(2), fallback="email", fallback_after=HOURS)
    practice.check(number)
    practice.stage(number)
    return number


def _sent(practice: TwoWays, people: int = 2) -> int:
    """A campaign that was sent, to one whose text was refused and one without a mobile; a day later."""
    practice.patient(1)
    practice.patient(2, mobile=None)
    number = practice.first(practice.everybody(people))
    practice.fate(number, 1, states.REJECTED, "number-barred")
    practice.later(HOURS)
    return number


def test_the_approver_sees_and_approves_who_is_reached_how(practice: TwoWays) -> None:
    """NEW-1, ACX-25: another person, channel, template, time or gateway is another manifest."""
    number = _half(practice)
    says = (
        "By e-mail at once: 1 person whom SMS cannot reach. By e-mail later: of 1 person those whose message "
        "by SMS proves undeliverable, 24 h after it; nobody of whom that is not known."
    )
    assert review_campaign(practice.record, number).fallback == (says,)
    with practice.record.write() as connection:
        job = get_campaign(connection, number)
        shown = counts_of(connection, job, practice.settings)
        assert (shown["fallback"], shown["fallback template"]) == (says, "plain, version 1")
        seen = {manifest_of(connection, job, practice.settings)}
        for column, value in (("outcome", "opted_out"), ("why", "failed"), ("patient_id", 9)):
            one = sa.update(fallback_person).where(fallback_person.c.row_number == 3)
            connection.execute(one.values({column: value}))
            seen.add(manifest_of(connection, job, practice.settings))
    assert len(seen) == 4


def test_what_follows_is_approved_with_the_first_and_nothing_else_is(practice: TwoWays) -> None:
    """NEW-1: the second approver is asked once; of a person more, again."""
    number = _sent(practice)
    (made,) = practice.follow()
    practice.check(made)
    practice.stage(made)
    strict = practice.settings.model_copy(update={"release": Release(approval_above=0)})
    with practice.record.write() as connection:
        assert not is_needed(connection, get_campaign(connection, made), strict)
        assert is_needed(connection, get_campaign(connection, number), strict) is False
        one = sa.update(fallback_person).where(fallback_person.c.patient_id == 2)
        connection.execute(one.values(taken_by=None))
        assert is_needed(connection, get_campaign(connection, made), strict)
        connection.execute(one.values(taken_by=made))
        other = replace(get_campaign(connection, made), template_version_id=2)
        assert is_needed(connection, other, strict)


def test_a_run_of_what_follows_is_started_and_not_of_a_list_that_a_person_named(
    practice: TwoWays,
) -> None:
    _sent(practice)
    (made,) = practice.follow()
    with practice.record.read() as connection:
        list_id = get_campaign(connection, made).list_id
    by_hand = practice.begin({"list_id": list_id}, request_key="mine", again=True, fallback="off")
    now = practice.clock.now()
    assert due_campaigns(practice.record, now) == [made]
    assert by_hand not in due_campaigns(practice.record, practice.later(10))


def _set_back(practice: TwoWays, number: int) -> None:
    del number
    with practice.record.write() as connection:
        connection.execute(sa.update(installation).values(epoch=installation.c.epoch + 1))


def _in_doubt(practice: TwoWays, number: int) -> None:
    which = sa.update(campaign).where(campaign.c.id == number)
    with practice.record.write() as connection:
        connection.execute(which.values(doubt_since=practice.clock.now()))


def _stopped(practice: TwoWays, number: int) -> None:
    del number
    with practice.record.write() as connection:
        stop_and_hold(connection, practice.clock, "stopped-by-person")


def _running(practice: TwoWays, number: int) -> None:
    """Not at its end yet, so that a person may act on it."""
    which = sa.update(campaign).where(campaign.c.id == number)
    with practice.record.write() as connection:
        connection.execute(which.values(state=states.RUNNING, finished_at=None))


def _paused(practice: TwoWays, number: int) -> None:
    _running(practice, number)
    pause(practice.record, practice.clock, number, by="nia", reason="wrong text")


def _cancelled(practice: TwoWays, number: int) -> None:
    _running(practice, number)
    cancel(practice.record, practice.clock, number, by="nia", reason="wrong text")


def _ended(practice: TwoWays, number: int) -> None:
    """Of one that has ended, a person ends its fallback."""
    done = cancel(practice.record, practice.clock, number, by="nia", reason="wrong text")
    assert done.state == states.COMPLETED
    with practice.record.read() as connection:
        acts = connection.scalars(sa.select(audit_act.c.operation_type)).all()
    assert acts.count("campaign.end-fallback") == 1


def _other_gateway(practice: TwoWays, number: int) -> None:
    del number
    practice.settings = practice.settings.model_copy(update={"email": EmailGateway()})


def _corrected(practice: TwoWays, number: int) -> None:
    """A correction of it is made: nobody more gets the text that was wrong."""
    practice.fate(number, 1, states.DELIVERED)
    practice.begin({"corrects": number}, request_key="put right")
    practice.fate(number, 1, states.REJECTED, "number-barred")


def _long_ago(practice: TwoWays, number: int) -> None:
    del number
    practice.later(24 * 8)


@pytest.mark.parametrize(
    "happens",
    [
        _set_back,
        _in_doubt,
        _stopped,
        _paused,
        _cancelled,
        _ended,
        _corrected,
        _other_gateway,
        _long_ago,
    ],
)
def test_nobody_is_taken_where_anything_is_in_doubt(practice: TwoWays, happens: Any) -> None:
    number = _sent(practice)
    happens(practice, number)
    assert practice.follow() == []
    assert set(practice.taken().values()) == {None}
    with practice.record.read() as connection:
        job = get_campaign(connection, number)
        found = fallback_of(connection, job, practice.clock.now(), practice.settings)
    assert found is not None
    assert found.left == 2
    assert found.stands


def test_a_dry_run_says_who_would_be_reached_and_reaches_nobody(practice: TwoWays) -> None:
    """NEW-13."""
    practice.patient(1)
    practice.patient(2, mobile=None)
    number = practice.begin(practice.everybody(2), fallback="email", dry_run=True)
    practice.finish(number)
    plan = practice.plan(number)
    assert plan is not None
    assert (plan.at_once, plan.later, plan.hours) == (1, 1, 24)
    assert practice.follow() == []


def test_the_summary_counts_by_channel(practice: TwoWays) -> None:
    number = _sent(practice)
    practice.mail(practice.follow())
    with practice.record.read() as connection:
        found = fallback_of(connection, get_campaign(connection, number), practice.clock.now())
    assert found is not None
    assert found.by_channel == "SMS 1 phone_missing, 1 rejected; e-mail 2 sent"
    assert found.says == (
        "by e-mail, 24 h after a message that proves undeliverable; campaign 2 (completed)"
    )


REFUSED = [
    ({"fallback": "sms"}, "fallback-channel"),
    ({"fallback": "off", "fallback_after": 3}, "fallback-channel"),
    ({"fallback": "voice"}, "fallback-gateway"),
    ({"fallback": "email", "fallback_template": "nothing"}, "template-unknown"),
    ({"fallback": "email", "fallback_template": "bare"}, "template-subject"),
    ({"fallback": "email", "save_when": "delivered"}, "email-never-delivered"),
]


@pytest.mark.parametrize(("asked", "code"), REFUSED)
def test_what_cannot_be_is_refused_before_anything_begins(
    practice: TwoWays, asked: dict[str, Any], code: str
) -> None:
    practice.patient(1)
    practice.template("Your review is due.", key="bare", subject=None)
    with pytest.raises(CohortError) as refused:
        practice.begin(practice.everybody(1), **asked)
    assert refused.value.code == code
    assert practice.count(campaign) == 0


def test_the_settings_are_what_is_meant_where_nobody_says(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """Off unless asked for."""
    route = {"sms": {"fallback": "email", "fallback_after_hours": 6}}
    practice = TwoWays(record, clock, tmp_path, channels=route)
    practice.patient(1)
    kept = []
    for key, asked in (("a", {}), ("b", {"fallback": "off"}), ("c", {"fallback_after": 9})):
        number = practice.begin(practice.everybody(1), request_key=key, again=True, **asked)
        with record.read() as connection:
            job = get_campaign(connection, number)
        kept.append((job.fallback, job.fallback_after))
    assert kept == [("email", 6), (None, None), ("email", 9)]


def test_the_file_of_outcomes_says_what_came_of_each_by_the_other_channel(
    practice: TwoWays,
) -> None:
    """NEW-6: one outcome a row, and beside it where the message went then."""
    practice.patient(3, email=None)
    number = _sent(practice, 3)
    made = practice.follow()
    practice.decides(2, "opt_out", channel="email")
    practice.mail(made)
    rows = {row.row_number: (row.code, row.detail) for row in outcome_rows(practice.record, number)}
    assert rows[2][0] == "rejected"
    assert rows[2][1].endswith("Then by e-mail, campaign 2: sent.")
    assert rows[3] == ("phone_missing", "No number. Then by e-mail, campaign 2: not sent.")
    assert rows[4] == ("sent", "")


def test_what_the_other_channel_costs_at_most_is_said(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-13, COM-14: texts after e-mails, by the price of their gateway."""
    sms = SmsGateway(
        url="http://127.0.0.1:9", gateway_class="B", token=SecretStr("x" * 32), segment_cost=0.25
    )
    practice = TwoWays(record, clock, tmp_path, sms=sms)
    practice.patient(1)
    practice.patient(2, email=None)
    practice.template("a" * 200, key="long")
    practice.gateway = practice.mails
    number = practice.begin(
        practice.everybody(2), channel="email", fallback="sms", fallback_template="long"
    )
    practice.check(number)
    practice.stage(number)
    shown = review_campaign(practice.record, number, settings=practice.settings)
    assert shown.fallback[0].startswith("By SMS at once: 1 person whom e-mail cannot reach.")
    assert shown.fallback[1] == "That comes to 4 segments at most, 1.00 in all."


def test_who_had_the_same_by_the_other_channel_lately_has_it_once(practice: TwoWays) -> None:
    """NEW-30: asked of the second channel too."""
    practice.gateway = practice.mails
    practice.patient(2, mobile=None)
    other = practice.file(nhs(2), name="other.csv")
    practice.finish(practice.begin(other, channel="email", request_key="by mail"))
    practice.gateway = practice.texts
    practice.patient(1)
    practice.first(practice.everybody(2))
    (made,) = practice.follow()
    practice.mail([made])
    assert practice.mailed() == {2: 1}
    assert list(practice.outcomes(made).values()) == ["had_this_lately"]
