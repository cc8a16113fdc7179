"""NEW-1: above a threshold a campaign leaves when another person has approved exactly what leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed
from clinic.govern.approvals.approvals import expire, latest
from clinic.govern.approvals.approvals import waiting as requests
from clinic.govern.approvals.confirming import confirm, is_confirmed
from clinic.govern.audit.verify import verify
from clinic.govern.people.operators import Operator
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.counting import count_outcomes
from clinic.message.prepare.approve import (
    answer,
    ask,
    close_undecided,
    release_campaign,
    why_refused,
)
from clinic.message.prepare.control import cancel
from clinic.message.prepare.due import due_campaigns
from clinic.message.prepare.manifest import terms_of
from clinic.message.purposes import ALERT, NOTICE
from clinic.message.timing.timing import Timing, timing_of
from clinic.record.database import Record
from clinic.record.schema.govern import approval, operator
from clinic.record.schema.messages import campaign, message, recipient
from clinic.settings import Hours, Release, Settings
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients

ALL = Settings(release=Release(approval_above=0))
NIA = Operator("nia", "operator", active=True)
MIA = Operator("mia", "manager", active=True)


@pytest.fixture
def waiting(record: Record, clock: FakeClock) -> int:
    """A campaign of nia's to thirty people, which waits for another person."""
    add_patients(record, 30)
    with record.write() as connection:
        connection.execute(
            operator.insert(),
            [
                {
                    "name": one.name, "role": one.role, "secret_hash": "-",
                    "created_at": clock.now(), "created_by": "root",
                }
                for one in (NIA, MIA)
            ],
        )  # fmt: skip
    number = add_campaign(
        record,
        clock,
        30,
        batch_size=10,
        state=states.CHECKING,
        requested_by="nia",
        released_at=None,
    )
    assert ask(record, clock, ALL, number, flow_run_id=None)
    return number


def approve(record: Record, clock: FakeClock, number: int, *, by: Operator = MIA) -> None:
    """Nia confirms that it is hers, and another approves."""
    confirm(record, clock, request_of(record, number), by=NIA)
    decide(record, clock, request_of(record, number), operator=by, decision="approved", note="ok")


def request_of(record: Record, number: int) -> int:
    with record.read() as connection:
        found = latest(connection, subject="campaign", subject_id=number)
    assert found is not None
    return found.id


def release(record: Record, clock: FakeClock, number: int, chosen: Settings = ALL) -> str:
    return release_campaign(record, clock, chosen, number, Timing())


def state_of(record: Record, number: int) -> str:
    with record.read() as connection:
        return str(connection.scalar(sa.select(campaign.c.state).where(campaign.c.id == number)))


def test_a_campaign_below_the_threshold_goes_by_itself(record: Record, clock: FakeClock) -> None:
    add_patients(record, 30)
    number = add_campaign(record, clock, 30, state=states.CHECKING)
    for chosen in (Settings(), Settings(release=Release(approval_above=30))):
        assert not ask(record, clock, chosen, number, flow_run_id=None)
    assert release(record, clock, number, Settings()) == states.RUNNING


@pytest.mark.parametrize("purpose", [ALERT, NOTICE])
def test_a_template_that_claims_to_be_for_staff_escapes_nobody(
    record: Record, clock: FakeClock, waiting: int, purpose: str
) -> None:
    """NEW-1: the purpose of a template is free text; whose list it is decides."""
    number = add_campaign(
        record, clock, 30, state=states.CHECKING, requested_by="nia", purpose=purpose
    )
    assert ask(record, clock, ALL, number, flow_run_id=None)
    with pytest.raises(NotAllowed, match="requester-unproven"):
        decide(
            record, clock, request_of(record, number), operator=MIA, decision="approved", note=""
        )


def test_nothing_goes_before_another_person_has_approved_and_then_it_is_due(
    record: Record, clock: FakeClock, waiting: int
) -> None:
    """NEW-1, ARC-6."""
    assert answer(record, clock, waiting) == "waiting"
    with pytest.raises(NotAllowed, match="approval-waiting"):
        release(record, clock, waiting)
    with pytest.raises(NotAllowed, match="approval-role"):
        approve(record, clock, waiting, by=NIA)
    assert due_campaigns(record, clock.now()) == []
    approve(record, clock, waiting)
    assert answer(record, clock, waiting) == "approved"
    assert due_campaigns(record, clock.now()) == [waiting]
    assert release(record, clock, waiting) == states.RUNNING
    assert release(record, clock, waiting) == states.RUNNING, "an approval serves once, and it did"


def test_the_database_itself_refuses_one_person_as_both(
    record: Record, clock: FakeClock, waiting: int
) -> None:
    """NEW-1: by a constraint, whatever the program says."""
    with pytest.raises(sa.exc.IntegrityError, match="two_persons"), record.write() as connection:
        connection.execute(sa.update(approval).values(state="approved", decided_by="NIA"))


def test_the_approver_sees_counts_exclusions_cost_and_schedule(
    record: Record, clock: FakeClock, waiting: int
) -> None:
    """NEW-1."""
    with record.write() as connection:
        connection.execute(
            sa.insert(recipient).values(campaign_id=waiting, row_number=31, outcome="opted_out")
        )
        connection.execute(sa.update(campaign).values(stagger_days=3, rows=31))
    priced = ALL.model_copy(update={"sms": ALL.sms.model_copy(update={"segment_cost": 0.04})})
    ask(record, clock, priced, waiting, flow_run_id=None)
    with record.read() as connection:
        asked = latest(connection, subject="campaign", subject_id=waiting)
    assert asked is not None
    assert asked.summary == {
        "list": "Everybody", "rows": 31, "messages": 30, "template": "plain, version 1",
        "by": "sms", "as of": "2 Mar 2026 (when it was made)", "segments": 30,
        "cost": "1.20", "days": 3, "left out: opted_out": 1,
    }  # fmt: skip


def _set_message(**values: object) -> Callable[[sa.Connection], object]:
    return lambda c: c.execute(sa.update(message).where(message.c.row_number == 7).values(**values))


def _set_campaign(**values: object) -> Callable[[sa.Connection], object]:
    return lambda c: c.execute(sa.update(campaign).values(**values))


CHANGES = {
    "a character of one text": _set_message(body="Hello 7!"),
    "one address": _set_message(address="+447700900999"),
    "one recipient fewer": lambda c: c.execute(sa.delete(message).where(message.c.row_number == 7)),
    "the gateway": _set_campaign(gateway="other"),
    "the days": _set_campaign(stagger_days=2),
    "the pace": _set_campaign(pace_second=1),
    "the sender": _set_campaign(requested_by="mia"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_after_the_approval_voids_it(
    record: Record, clock: FakeClock, waiting: int, change: Callable[[sa.Connection], object]
) -> None:
    """NEW-1: content, recipients, schedule, gateway: what is released is what was confirmed and approved."""
    approve(record, clock, waiting)
    with record.write() as connection:
        change(connection)
    with pytest.raises(NotAllowed, match="approval-void"):
        release(record, clock, waiting)
    assert ask(record, clock, ALL, waiting, flow_run_id=None)
    assert answer(record, clock, waiting) == "waiting", "it is asked for again"
    with record.read() as connection:
        anew = latest(connection, subject="campaign", subject_id=waiting)
        assert anew is not None
        assert not is_confirmed(connection, anew), "and confirmed again"


def test_what_was_approved_before_there_were_several_gateways_stays_approved(
    record: Record, waiting: int
) -> None:
    with record.read() as connection:
        job = get_campaign(connection, waiting)
    before = terms_of(job)
    assert not {"gateways", "gateway_shares"} & before.keys()
    assert before["gateway"] == job.gateway
    several = terms_of(replace(job, gateways="a b", gateway_shares="0.5 0.5"))
    assert (several["gateways"], several["gateway_shares"]) == ("a b", "0.5 0.5")


def test_other_hours_are_another_campaign(record: Record, clock: FakeClock, waiting: int) -> None:
    approve(record, clock, waiting)
    night = ALL.model_copy(update={"hours": Hours(text={"mon": ("00:00-06:00",)})})
    with pytest.raises(NotAllowed, match="approval-void"):
        release(record, clock, waiting, night)
    assert timing_of(night).calendar.may_use("sms", clock.now()) is False


@pytest.mark.parametrize("fate", ["rejected", "expired"])
def test_a_campaign_that_nobody_approves_is_refused_and_every_row_says_so(
    record: Record, clock: FakeClock, waiting: int, fate: str
) -> None:
    """NEW-1, NEW-6: also one that was approved and then begun too late."""
    if fate == "rejected":
        number = request_of(record, waiting)
        decide(record, clock, number, operator=MIA, decision="rejected", note="wrong text")
    else:
        approve(record, clock, waiting)
        clock.time += timedelta(hours=73)
    assert [answer(record, clock, waiting) for _ in range(2)] == [fate, fate]
    assert state_of(record, waiting) == states.REFUSED
    with record.read() as connection:
        says = why_refused(connection, waiting)
    assert (
        says
        == {
            "rejected": f"Campaign {waiting} was rejected by mia: wrong text; nothing was sent",
            "expired": f"Campaign {waiting} has expired: nobody approved it in time; nothing was sent",
        }[fate]
    )
    with record.read() as connection:
        assert count_outcomes(connection, waiting) == {"cancelled": 30}


@pytest.mark.parametrize("decided", [False, True])
def test_nobody_is_asked_to_approve_what_is_cancelled(
    record: Record, clock: FakeClock, waiting: int, decided: bool
) -> None:
    """NEW-9: nor is what was approved still so, and a run that waits for the answer hears of it."""
    if decided:
        approve(record, clock, waiting)
    number = request_of(record, waiting)
    for _ in range(2):
        cancel(record, clock, waiting, by="nia", reason="wrong list")
    with record.read() as connection:
        assert (
            connection.scalar(sa.select(approval.c.state).where(approval.c.id == number)) == "void"
        )
        assert why_refused(connection, waiting).startswith(f"Campaign {waiting} was cancelled")
    assert answer(record, clock, waiting) == "cancelled"
    assert requests(record, clock.now()) == []
    with pytest.raises(NotAllowed):
        decide(record, clock, number, operator=MIA, decision="approved", note="late")
    assert due_campaigns(record, clock.now()) == []
    assert verify(record, None).holds


def test_what_expired_is_closed_without_a_run_of_its_own(
    record: Record, clock: FakeClock, waiting: int
) -> None:
    assert close_undecided(record, clock) == 0
    clock.time += timedelta(hours=73)
    assert expire(record, clock) == [request_of(record, waiting)]
    assert (close_undecided(record, clock), close_undecided(record, clock)) == (1, 0)
    assert state_of(record, waiting) == states.REFUSED
    with record.read() as connection:
        assert count_outcomes(connection, waiting) == {"cancelled": 30}


def test_who_may_not_ask_for_it_leaves_nothing_behind(record: Record, clock: FakeClock) -> None:
    """NEW-1: a campaign that turns out to be too large is refused, and its list may be sent by who may."""
    add_patients(record, 30)
    number = add_campaign(record, clock, 30, state=states.CHECKING, requested_by="nobody")
    for _ in range(2):
        with pytest.raises(NotAllowed, match="request-not-allowed"):
            ask(record, clock, ALL, number, flow_run_id=None)
        assert state_of(record, number) == states.REFUSED
        with record.write() as connection:
            connection.execute(sa.update(campaign).values(state=states.CHECKING))
