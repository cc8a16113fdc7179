"""What follows a decision without a run that waits for it: closed, taken up, or told that nobody is there."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.govern.approval_rows import Approval, existing
from clinic.govern.approvals.approvals import latest
from clinic.govern.approvals.deciding import Decision
from clinic.govern.people.operators import Operator
from clinic.message import states
from clinic.message.asking.confirming import confirm
from clinic.message.campaign.campaign import get_campaign
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, check_result
from clinic.settings import Release, Settings
from tasks.asking.following import decide, follow
from tests.clinic.change.practice import ASKER, MANAGER, staff
from tests.ledgers import add_campaign, add_patients

CLOCK = SystemClock()
CHECKED = '{"outcome": "pass", "checks": []}'


def settings_of(home: Path) -> Settings:
    return Settings(home=home, release=Release(approval_above=0))


def decided(record: Record, home: Path, decision: Decision, by: Operator = MANAGER) -> Approval:
    """Ann sends a campaign, says yes to it, and another decides."""
    staff(record)
    add_patients(record, 3)
    number = add_campaign(
        record, CLOCK, 3, state=states.CHECKING, requested_by="ann", released_at=None, staged_rows=3
    )
    checked = {"suite": "list", "verdict": "pass", "checks": CHECKED, "checked_at": CLOCK.now()}
    with record.write() as connection:
        connection.execute(sa.insert(check_result).values(campaign_id=number, **checked))
    asked = confirm(record, CLOCK, settings_of(home), number, by=ASKER).asked
    assert asked is not None
    return decide(
        record, CLOCK, settings_of(home), asked.id, person=by, decision=decision, note="seen"
    )


def state_of(record: Record, campaign_id: int) -> str:
    with record.read() as connection:
        return str(get_campaign(connection, campaign_id).state)


@pytest.mark.parametrize(
    ("decision", "state", "says", "warns"),
    [
        ("rejected", states.REFUSED, "Nothing was changed or sent", False),
        ("approved", states.AWAITING_APPROVAL, "no worker runs here", True),
    ],
)
def test_a_campaign_that_no_run_waits_for(
    sqlite_record: Record, tmp_path: Path, decision: Decision, state: str, says: str, *, warns: bool
) -> None:
    """NEW-1: a no closes it at once; a yes says who goes on with it. Followed twice, it is the same."""
    found = decided(sqlite_record, tmp_path, decision)
    for _ in range(2):
        followed = follow(sqlite_record, CLOCK, settings_of(tmp_path), found)
        assert (says in followed.says[0], followed.warns) == (True, warns)
    assert state_of(sqlite_record, found.subject_id) == state


def test_what_has_gone_on_since_is_left_as_it_is(sqlite_record: Record, tmp_path: Path) -> None:
    found = decided(sqlite_record, tmp_path, "approved")
    with sqlite_record.write() as connection:
        connection.execute(sa.update(campaign).values(state=states.RUNNING))
    followed = follow(sqlite_record, CLOCK, settings_of(tmp_path), found, start=True)
    assert "has gone on since" in followed.says[0]


def test_a_decision_is_on_the_trail_and_its_length_noted(
    sqlite_record: Record, tmp_path: Path
) -> None:
    found = decided(sqlite_record, tmp_path, "approved")
    with sqlite_record.read() as connection:
        assert existing(connection, found.id).decided_by == "mia"
        newest = latest(connection, subject="campaign", subject_id=found.subject_id)
    assert newest is not None
    assert newest.state == "approved"
    assert list(tmp_path.rglob("*anchor*")), "where the anchor is kept"
