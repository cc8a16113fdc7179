"""Old requests for approval are chased: who is told, of what, and how often."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.govern.approvals.approvals import request_approval
from clinic.govern.approvals.confirming import confirm
from clinic.message.prepare.approve import release_campaign
from clinic.message.prepare.stage import stage
from clinic.message.sending.deliver import deliver
from clinic.message.template.variables import Setting
from clinic.message.timing.timing import Timing
from clinic.notify.chase import find_late, open_alert
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.govern import approval, operator
from clinic.record.schema.messages import message
from clinic.settings import Notices, Release, Settings
from tests.clinic.change.practice import ASKER, asked, practice, reviewed
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import make_ledger

HOUR = 3600.0
TEAM = Settings(
    notices=Notices(internal=("team@practice.nhs.uk", "lead@practice.nhs.uk")),
    release=Release(approval_above=0),  # reminders go all the same
)


@pytest.fixture
def waiting(record: Record, clock: FakeClock) -> int:
    """An approval that waits since now; its number."""
    practice(record)
    install(record, clock)
    return reviewed(record, clock, asked(record, clock, "status", {"to": "on_hold"}, [1]))


def alert(record: Record, clock: FakeClock, settings: Settings = TEAM) -> int | None:
    late = find_late(record, clock, settings)
    return open_alert(record, clock, settings, late, gateway="fake", batch_limit=50)


def sent(record: Record, clock: FakeClock, folder: Path, campaign_id: int) -> int:
    """How many e-mails left now."""
    stage(record, campaign_id, setting=Setting(TEAM.organisation, clock.now()), most_segments=6)
    release_campaign(record, clock, TEAM, campaign_id, Timing())
    gateway = FakeGateway()
    deliver(make_ledger(record, clock, folder), gateway, campaign_id, 1, 10)
    return len(gateway.received)


def test_a_stale_request_is_chased_with_the_command_that_decides_it(
    record: Record, clock: FakeClock, waiting: int, tmp_path: Path
) -> None:
    """ALC-45."""
    assert find_late(record, clock, TEAM) == []
    assert alert(record, clock) is None
    clock.sleep(25 * HOUR)
    (late,) = find_late(record, clock, TEAM)
    assert (late.approval, late.hours, late.role, late.deciders) == (waiting, 25, "manager", 1)
    campaign_id = alert(record, clock)
    assert campaign_id is not None
    assert sent(record, clock, tmp_path, campaign_id) == 2
    with record.read() as connection:
        bodies = set(connection.scalars(sa.select(message.c.body)))
    assert len(bodies) == 1
    assert f"cohort approve {waiting}" in bodies.pop()


def test_who_asked_for_a_campaign_is_chased_first_until_they_confirm(
    record: Record, clock: FakeClock, waiting: int
) -> None:
    """ALC-45, NEW-1: nobody can approve it before."""
    with record.write() as connection:
        number = request_approval(
            connection, clock, subject="campaign", subject_id=3, kind="campaign", digest="a" * 64,
            requested_by=ASKER.name, summary={}, reason="", flow_run_id=None,
            expires_in=timedelta(days=3),
        )  # fmt: skip
    clock.sleep(25 * HOUR)
    for confirmed in (False, True):
        said = next(late.says for late in find_late(record, clock, TEAM) if late.approval == number)
        assert (f"types cohort confirm {number}; then cohort approve" in said) is not confirmed
        confirm(record, clock, number, by=ASKER)


def test_the_same_requests_are_reminded_of_once_a_day(
    record: Record, clock: FakeClock, waiting: int, tmp_path: Path
) -> None:
    clock.sleep(25 * HOUR)
    first = alert(record, clock)
    assert first is not None
    assert sent(record, clock, tmp_path / "a", first) == 2
    assert alert(record, clock) == first
    assert sent(record, clock, tmp_path / "b", first) == 0
    clock.sleep(24 * HOUR)
    assert alert(record, clock) not in (None, first)


def test_what_nobody_can_decide_is_flagged_at_once(
    record: Record, clock: FakeClock, waiting: int
) -> None:
    """ALC-45: an approver without access is detectable."""
    with record.write() as connection:
        connection.execute(
            sa.update(operator).where(operator.c.role == "manager").values(active=False)
        )
    (late,) = find_late(record, clock, TEAM)
    assert late.deciders == 0
    assert "nobody may decide it" in late.says


def test_what_has_expired_is_closed_and_not_chased(
    record: Record, clock: FakeClock, waiting: int
) -> None:
    clock.sleep(73 * HOUR)
    assert find_late(record, clock, TEAM) == []
    with record.read() as connection:
        state = connection.scalar(sa.select(approval.c.state).where(approval.c.id == waiting))
    assert state == "expired"


def test_without_an_address_nobody_is_reminded(
    record: Record, clock: FakeClock, waiting: int
) -> None:
    clock.sleep(25 * HOUR)
    assert alert(record, clock, Settings()) is None
