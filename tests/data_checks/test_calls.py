"""ARC-8: the main job by calls: who is called, on which numbers, and who said no to calls."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.outbox import Outbox
from clinic.record.database import Record
from clinic.record.schema.messages import message
from tests.fakes import FakeClock
from tests.main_job import ADDRESSES_KEPT, Practice, nhs


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(sqlite_record, clock, tmp_path, channels=("sms", "voice"))
    made.patient(1)
    made.patient(2, mobile="020 7946 0958")
    made.patient(3, mobile="0909 879 0000")
    made.patient(4, mobile=None)
    return made


def test_a_landline_is_called_a_dear_number_is_not(practice: Practice) -> None:
    """ARC-8, ARC-12: what a text would not reach rings, and nobody pays a premium rate for it."""
    rows = [nhs(n) for n in range(1, 5)]
    by_call = practice.judge(practice.file(*rows), channel="voice", request_key="a")
    assert by_call == {
        2: "accepted", 3: "accepted", 4: "phone_not_allowed (premium)", 5: "phone_missing (missing)",
    }  # fmt: skip


def test_who_said_no_to_calls_is_not_called_and_who_said_no_to_texts_is(practice: Practice) -> None:
    """NEW-26, PAT-28: a decision counts for its channel."""
    practice.decides(1, "opt_out", channel="voice")
    practice.decides(2, "opt_out", channel="sms")
    judged = practice.judge(practice.file(nhs(1), nhs(2)), channel="voice")
    assert judged == {2: "opted_out", 3: "accepted"}


def test_calls_go_to_the_outbox_with_no_subject_and_their_minutes(practice: Practice) -> None:
    """ARC-8: as every message, calls can be tried without a gateway."""
    practice.gateway = Outbox(practice.record, "voice")
    summary = practice.run(practice.file(nhs(1), nhs(2)), channel="voice")
    assert (summary.messages, summary.segments, summary.unit) == (2, 2, "minute")
    with practice.record.read() as connection:
        kept = sorted(connection.scalars(ADDRESSES_KEPT))
        subjects = set(connection.scalars(sa.select(message.c.subject)))
    assert (kept, subjects) == (["+442079460958", "+447700900001"], {None})
    assert [(item.channel, item.status) for item in practice.items()] == [("voice", "kept")] * 2
