"""A campaign's states: let go once, refused for good, and found again by its number."""

from __future__ import annotations

from dataclasses import fields

import pytest
import sqlalchemy as sa

from clinic.errors import NotFound
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign, refuse
from clinic.message.prepare.approve import release_campaign
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from clinic.settings import Settings
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients


def state(record: Record) -> tuple[str, str | None]:
    with record.read() as connection:
        row = get_campaign(connection, 1)
    return row.state, row.state_reason


def release(record: Record, clock: FakeClock) -> None:
    release_campaign(record, clock, Settings(), 1, timing_of(Settings()))


@pytest.fixture
def checking(record: Record, clock: FakeClock) -> Record:
    add_patients(record, 1)
    add_campaign(record, clock, 1, state=states.CHECKING, send_guard="guard", released_at=None)
    return record


def test_a_campaign_is_let_go_once(checking: Record, clock: FakeClock) -> None:
    """ARC-6: until then nothing can be claimed; from then on its time runs."""
    release(checking, clock)
    first = clock.now()
    clock.sleep(60)
    release(checking, clock)
    assert state(checking) == (states.RUNNING, None)
    with checking.read() as connection:
        assert get_campaign(connection, 1).released_at == first


def test_a_refused_campaign_can_never_be_let_go_and_its_list_is_free_again(
    checking: Record, clock: FakeClock
) -> None:
    refuse(checking, 1, "not-confirmed")
    release(checking, clock)
    assert state(checking) == (states.REFUSED, "not-confirmed")
    with checking.read() as connection:
        assert get_campaign(connection, 1).send_guard is None


@pytest.mark.parametrize(
    "other", [states.PAUSED, states.CANCELLED_CAMPAIGN, states.COMPLETED, states.HELD_CAMPAIGN]
)
def test_only_a_campaign_that_is_being_checked_is_let_go_or_refused(
    checking: Record, clock: FakeClock, other: str
) -> None:
    with checking.write() as connection:
        connection.execute(sa.update(campaign).values(state=other))
    release(checking, clock)
    refuse(checking, 1, "not-confirmed")
    assert state(checking) == (other, None)


def test_a_number_that_no_campaign_has_is_refused(record: Record) -> None:
    with record.read() as connection, pytest.raises(NotFound, match="campaign-unknown"):
        get_campaign(connection, 99)


def test_a_campaign_has_the_columns_of_its_table() -> None:
    assert {column.name for column in campaign.columns} == {part.name for part in fields(Campaign)}
