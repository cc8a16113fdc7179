"""A practice moves: the old home sends nothing more, the new one goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.backup.read import unpacked
from clinic.backup.restore import restore
from clinic.backup.write import write_backup
from clinic.errors import NotAllowed
from clinic.govern.audit.key import unlock
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.sending_stop import (
    MOVED,
    allow,
    require_sending,
    sending,
    stop_and_hold,
    stop_by_person,
    stop_moved,
)
from clinic.message.sending.deliver import deliver
from clinic.message.sending.restore_guard import accept, home_of, register
from clinic.record.database import Record
from clinic.settings import Settings
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger


@pytest.fixture
def old(record: Record, clock: FakeClock, tmp_path: Path) -> tuple[Settings, int]:
    """An installation with a campaign of which one batch of two was sent."""
    url = record.engine.url.render_as_string(hide_password=False)
    settings = Settings(home=tmp_path / "old", record_url=url, notes_folder=tmp_path / "notes")
    settings.home.mkdir(mode=0o700)
    add_patients(record, 20)
    number = add_campaign(record, clock, 20, batch_size=10)
    unlock(record, settings.home)
    register(record, home_of(settings))
    return settings, number


def test_a_campaign_goes_on_where_it_stopped_and_the_old_home_sends_nothing(
    record: Record, clock: FakeClock, old: tuple[Settings, int], elsewhere: str, tmp_path: Path
) -> None:
    settings, number = old
    gateway = FakeGateway("B")
    deliver(make_ledger(record, clock, tmp_path / "w1"), gateway, number, 1, 1)
    stop_moved(record, clock, by="mia", reason="new server")
    deliver(make_ledger(record, clock, tmp_path / "w2"), gateway, number, 1, 2)
    with record.read() as connection, pytest.raises(NotAllowed, match="moved to another machine"):
        require_sending(connection)
    assert len(gateway.received) == 10

    file = write_backup(settings, clock, tmp_path / "moved.tar", None)
    there = Settings(
        home=tmp_path / "elsewhere", record_url=elsewhere, notes_folder=tmp_path / "notes2"
    )
    with unpacked(file, tmp_path) as (parts, manifest):
        restore(there, clock, parts, manifest)
    new = unlock(Record.open(there.database_url), there.home)
    try:
        found = sending(new)
        assert found.stopped is not None
        assert (found.stopped.code, found.held) == (MOVED, ())
        deliver(make_ledger(new, clock, tmp_path / "w3"), gateway, number, 1, 2)
        assert len(gateway.received) == 10
        with new.write() as connection:
            allow(connection, clock, by="mia", reason="here now", told={})
            accept(connection, home_of(there))
            assert get_campaign(connection, number).state == states.RUNNING
        deliver(make_ledger(new, clock, tmp_path / "w4"), gateway, number, 1, 2)
    finally:
        new.close()
    assert (len(gateway.received), set(gateway.received.values())) == (20, {1})


def test_a_record_that_was_set_back_does_not_move_before_somebody_knows_what_left(
    record: Record, clock: FakeClock, old: tuple[Settings, int]
) -> None:
    del old
    with record.write() as connection:
        stop_and_hold(connection, clock, "database-restored")
    with pytest.raises(NotAllowed, match="sending-stopped"):
        stop_moved(record, clock, by="mia", reason="")


def test_one_that_a_person_stopped_may_move(
    record: Record, clock: FakeClock, old: tuple[Settings, int]
) -> None:
    del old
    stop_by_person(record, clock, by="mia", reason="")
    stop_moved(record, clock, by="mia", reason="")
    found = sending(record).stopped
    assert found is not None
    assert found.code == MOVED
