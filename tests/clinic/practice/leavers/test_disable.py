"""Whoever is disabled loses all of it at once, in each state of what they asked for (NEW-38)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed
from clinic.govern.approvals.approvals import request_approval
from clinic.govern.audit.key import unlock
from clinic.govern.audit.trail import verify
from clinic.govern.people.last_use import dormant_at, note_use
from clinic.govern.people.operators import list_operators
from clinic.govern.sessions.terminal import sign_in, signed_in
from clinic.message import states
from clinic.message.prepare.control import resume
from clinic.message.timing.timing import Timing
from clinic.practice.leavers.disable import disable, disable_dormant
from clinic.record.database import Record
from clinic.record.schema.change import operation, selection
from clinic.record.schema.govern import approval, audit_act, operator
from clinic.record.schema.messages import campaign, message
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients

PEOPLE = {"root": "admin", "ann": "operator", "mia": "manager", "max": "manager"}
DIGEST = "a" * 64


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Record:
    unlock(record, tmp_path / "home")
    add_patients(record, 3)
    with record.write() as connection:
        rows = [
            {"name": n, "role": r, "secret_hash": "x", "created_at": clock.now(), "created_by": "x"}
            for n, r in PEOPLE.items()
        ]
        connection.execute(operator.insert(), rows)
    return record


def state_of(record: Record, number: int) -> tuple[str, str | None]:
    c = campaign.c
    with record.read() as connection:
        row = connection.execute(sa.select(c.state, c.state_reason).where(c.id == number)).one()
    return row.state, row.state_reason


BECOMES = {
    states.CHECKING: (states.CANCELLED_CAMPAIGN, "request-ended"),
    states.AWAITING_APPROVAL: (states.CANCELLED_CAMPAIGN, "request-ended"),
    states.SCHEDULED: (states.PAUSED, "requester-left"),
    states.RUNNING: (states.RUNNING, None),
    states.PAUSED: (states.PAUSED, None),
    states.HELD_CAMPAIGN: (states.HELD_CAMPAIGN, None),
    states.MISSED: (states.MISSED, None),
    states.RECONCILING: (states.RECONCILING, None),
    states.REFUSED: (states.REFUSED, None),
    states.COMPLETED: (states.COMPLETED, None),
    states.CANCELLED_CAMPAIGN: (states.CANCELLED_CAMPAIGN, None),
}


def test_what_was_not_begun_stops_at_each_state_and_what_was_goes_on(
    practice: Record, clock: FakeClock
) -> None:
    """NEW-38: of ann's campaigns; another's are as they were."""
    assert set(BECOMES) == set(states.CampaignState)
    hers = {
        state: add_campaign(practice, clock, 3, state=state, requested_by="ann")
        for state in BECOMES
    }
    others = add_campaign(practice, clock, 3, state=states.SCHEDULED, requested_by="mia")
    left = disable(practice, clock, name="ann", by="root")
    found = {state: state_of(practice, number) for state, number in hers.items()}
    assert found == BECOMES
    assert state_of(practice, others) == (states.SCHEDULED, None)
    assert left.held == [hers[states.SCHEDULED]]
    assert left.running == [hers[states.RUNNING]]
    assert sorted(left.cancelled) == sorted([hers[states.CHECKING], hers[states.AWAITING_APPROVAL]])
    with practice.read() as connection:
        waiting = sa.select(message.c.state).where(
            message.c.campaign_id == hers[states.AWAITING_APPROVAL]
        )
        assert set(connection.scalars(waiting)) == {states.CANCELLED}
    assert verify(practice, None).holds


def test_another_person_takes_over_what_waits_for_its_time(
    practice: Record, clock: FakeClock
) -> None:
    """NEW-38: by resuming it, which is on the trail in their name."""
    number = add_campaign(practice, clock, 3, state=states.SCHEDULED, requested_by="ann")
    disable(practice, clock, name="ann", by="root")
    resume(practice, clock, number, by="mia", reason="hers now", timing=Timing())
    assert state_of(practice, number)[0] in (states.SCHEDULED, states.RUNNING)
    assert ("mia", "campaign.resume") in acts(practice)


@pytest.mark.parametrize("state", ["waiting", "approved"])
def test_what_waits_for_an_approval_or_has_one_ends(
    practice: Record, clock: FakeClock, state: str
) -> None:
    """NEW-38: the request is void and its operation withdrawn; nobody can use it any more."""
    with practice.write() as connection:
        chosen = connection.execute(
            sa.insert(selection)
            .values(source="ids", criteria="{}", sha256="x", rows=1, selected=1,
                    taken_at=clock.now(), taken_by="ann")
            .returning(selection.c.id)
        ).scalar_one()  # fmt: skip
        connection.execute(
            sa.insert(operation).values(
                id=7, request_key="k", kind="status", parameters="{}", selection_id=chosen, depth=0,
                requested_by="ann", requested_at=clock.now(), reason="r", state=state,
            )
        )  # fmt: skip
        request_approval(
            connection, clock, subject="operation", subject_id=7, kind="status", digest=DIGEST,
            requested_by="ann", summary={"patients": 1}, reason="r", flow_run_id=None,
            expires_in=timedelta(days=1),
        )  # fmt: skip
        if state == "approved":
            decided = {"state": "approved", "decided_by": "mia", "decided_at": clock.now()}
            connection.execute(sa.update(approval).values(**decided))
    left = disable(practice, clock, name="ann", by="root")
    with practice.read() as connection:
        assert connection.scalar(sa.select(approval.c.state)) == "void"
        assert connection.scalar(sa.select(operation.c.state)) == "withdrawn"
    assert left.withdrawn == [7]


def test_a_sign_in_ends_with_the_person(practice: Record, clock: FakeClock, tmp_path: Path) -> None:
    home = tmp_path / "home"
    person = next(each for each in list_operators(practice) if each.name == "ann")
    sign_in(practice, clock, home, person)
    assert signed_in(practice, clock, home, "ann") is not None
    disable(practice, clock, name="ann", by="root")
    with practice.write() as connection:  # and is not back if they were let in again
        connection.execute(sa.update(operator).values(active=True))
    assert signed_in(practice, clock, home, "ann") is None


def test_who_was_not_here_for_ninety_days_is_disabled_and_with_them_what_they_asked_for(
    practice: Record, clock: FakeClock
) -> None:
    """NEW-38: not a day before, never the last admin, and once."""
    number = add_campaign(practice, clock, 3, state=states.SCHEDULED, requested_by="ann")
    clock.sleep(timedelta(days=60).total_seconds())
    note_use(practice, clock, "mia")
    clock.sleep(timedelta(days=29, hours=23).total_seconds())
    assert disable_dormant(practice, clock, days=90) == []
    assert disable_dormant(practice, clock, days=0) == []
    clock.sleep(timedelta(hours=1).total_seconds())
    assert disable_dormant(practice, clock, days=90) == ["ann", "max"]
    assert disable_dormant(practice, clock, days=90) == []
    active = {each.name for each in list_operators(practice) if each.active}
    assert active == {"root", "mia"}
    assert state_of(practice, number) == (states.PAUSED, "requester-left")
    assert ("system", "operator.disabled") in acts(practice)
    with practice.read() as connection:
        assert set(dormant_at(connection, 90)) == {"mia"}


def test_of_several_admins_who_are_all_away_the_last_one_here_stays(
    practice: Record, clock: FakeClock
) -> None:
    with practice.write() as connection:
        row = {"name": "ada", "role": "admin", "secret_hash": "x", "created_by": "root"}
        connection.execute(operator.insert().values(**row, created_at=clock.now()))
    note_use(practice, clock, "ada")
    clock.sleep(timedelta(hours=2).total_seconds())
    note_use(practice, clock, "root")
    clock.sleep(timedelta(days=400).total_seconds())
    disable_dormant(practice, clock, days=90)
    assert [each.name for each in list_operators(practice) if each.active] == ["root"]


def test_the_last_admin_stays_and_nothing_of_theirs_ends(
    practice: Record, clock: FakeClock
) -> None:
    number = add_campaign(practice, clock, 3, state=states.SCHEDULED, requested_by="root")
    with pytest.raises(NotAllowed, match="last admin"):
        disable(practice, clock, name="root", by="root")
    assert state_of(practice, number) == (states.SCHEDULED, None)


def acts(record: Record) -> list[tuple[str, str]]:
    c = audit_act.c
    with record.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(c.operator, c.operation_type))]
