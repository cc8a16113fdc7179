"""What a gateway was ever given as a reference or a key is never given to it again, whatever was restored."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from clinic.gateway.received import Receipt
from clinic.message.codes import ROOM, draw_base, message_id, submission_id
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipts import count_inbox, keep_receipts
from clinic.record.database import Record
from clinic.record.schema.messages import message
from tests.fakes import FakeClock, FakeGateway
from tests.main_job import Practice

_INSTALLATION = "0f0e0d0c-0b0a-4009-8807-060504030201"


@given(st.none() | st.integers(0, 2**62))
def test_ids_rise_with_time_and_fit_into_eight_bytes(last: int | None) -> None:
    base = draw_base(last)
    assert base > (last or 0)
    assert 0 < message_id(base, 1) < message_id(base, ROOM - 1) < 2**63
    assert message_id(base, 1) >= message_id(last or 0, ROOM - 1)


def test_two_records_that_begin_alike_do_not_go_on_alike() -> None:
    """A restored record and the one that was lost: their next campaigns meet once in a million times."""
    known = draw_base(None)
    assert sum(draw_base(known) == draw_base(known) for _ in range(100)) <= 1
    one, other = (
        submission_id(_INSTALLATION, base, 1 << 20 | 1, 1) for base in (known, known + ROOM)
    )
    assert one != other
    assert one == submission_id(_INSTALLATION, known, 1 << 20 | 1, 1)


@pytest.fixture
def restored(
    sqlite_record_url: str, clock: FakeClock, tmp_path: Path
) -> tuple[FakeGateway, Practice]:
    """A practice that was set back to before its first campaign, and the gateway that had taken that."""
    path = Path(sqlite_record_url.removeprefix("sqlite:///"))
    before = Practice(Record.open(sqlite_record_url), clock, tmp_path)
    before.patients(20)
    before.record.close()
    shutil.copy(path, tmp_path / "backup.db")
    lost = Practice.__new__(Practice)
    lost.__dict__.update(before.__dict__)
    lost.record = Record.open(sqlite_record_url)
    lost.gateway = gateway = FakeGateway()
    lost.run(lost.everybody(20, name="flu.csv"))
    lost.record.close()
    shutil.copy(tmp_path / "backup.db", path)
    lost.record = Record.open(sqlite_record_url)
    return gateway, lost


def test_a_campaign_made_after_a_restore_is_new_to_the_gateway(
    restored: tuple[FakeGateway, Practice],
) -> None:
    """NEW-3: it has the number of the one that was lost; each of its patients is sent to, once."""
    gateway, practice = restored
    lost = set(gateway.received)
    summary = practice.run(practice.everybody(15, name="closed.csv"))
    assert summary.campaign_id == 1
    assert len(gateway.received) == 35
    assert set(gateway.received.values()) == {1}
    assert len(set(gateway.received) - lost) == 15
    practice.record.close()


def test_a_late_receipt_of_a_lost_message_changes_no_other(
    restored: tuple[FakeGateway, Practice], clock: FakeClock
) -> None:
    """COM-6: it is kept, and counted as belonging to nothing that is known."""
    gateway, practice = restored
    lost = list(gateway.received)
    practice.run(practice.everybody(20, name="closed.csv"))
    said = [Receipt("fake", f"e{n}", key, "undelivered", "absent") for n, key in enumerate(lost)]
    keep_receipts(practice.record, clock, said)
    apply_receipts(practice.record, clock)
    with practice.record.read() as connection:
        assert set(connection.scalars(sa.select(message.c.state))) == {"accepted"}
    inbox = count_inbox(practice.record)
    assert (inbox.applied, inbox.waiting + inbox.unmatched) == (0, 20)
    practice.record.close()
