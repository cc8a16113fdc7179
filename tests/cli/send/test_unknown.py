"""`cohort unknown` from the first question to the last answer, by two people."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.message import states
from clinic.message.prepare.resend import resendable
from clinic.record.database import Record
from clinic.record.schema.messages import message
from tests.campaigns import Fate, put_campaign
from tests.cli.office import Office, hire


@pytest.fixture
def office(tmp_path: Path, sqlite_record: Record) -> Office:
    """A campaign of nine days ago: row 2 was delivered, of rows 3 and 4 nobody knows."""
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    fates = [
        Fate(state=state, patient_id=n)
        for n, state in enumerate((states.DELIVERED, states.UNKNOWN, states.UNKNOWN), start=1)
    ]
    put_campaign(sqlite_record, SystemClock(), fates, state=states.RECONCILING)
    with sqlite_record.write() as connection:
        long_ago = SystemClock().now() - timedelta(days=9)
        connection.execute(sa.update(message).values(sent_at=long_ago))
    return office


@pytest.mark.parametrize(
    ("fate", "counts", "may_be_resent"),
    [
        ("not-sent", {"delivered": 1, "rejected": 1, "unknown": 1}, [3]),
        ("sent", {"delivered": 1, "sent": 1, "unknown": 1}, []),
    ],
)
def test_what_nobody_knows_is_asked_approved_by_another_and_settled(
    office: Office,
    sqlite_record: Record,
    fate: str,
    counts: dict[str, int],
    may_be_resent: list[int],
) -> None:
    """NEW-1, NEW-3: only the row that was asked for; what is said not to have left may be sent again."""
    which = ("1", "--as", fate, "--rows", "3")
    asked = office.run("unknown", "ask", *which, "--reason", "asked the provider", me="max")
    assert "cohort approve 1" in asked.output, asked.output
    early = office.run("unknown", "settle", *which, me="mia")
    assert (early.exit_code, "approval-waiting" in early.output) == (3, True)
    assert office.run("approve", "1", "--note", "", me="max").exit_code == 3

    assert office.run("approve", "1", "--note", "seen", me="mia").exit_code == 0
    wider = office.run("unknown", "settle", "1", "--as", fate, me="mia")
    assert (wider.exit_code, "approval-void" in wider.output) == (3, True), wider.output
    settled = office.run("unknown", "settle", *which, me="mia")
    assert f"1 message resolved as {fate}" in settled.output, settled.output
    trail = [
        act for act in office.rows("audit", "list") if act["operation_type"] == "unknown.settled"
    ]
    assert [(act["operator"], act["approver"]) for act in trail] == [("mia", "mia")]
    assert office.rows("show", "1")["counts"] == counts
    with sqlite_record.read() as connection:
        assert resendable(connection, 1) == may_be_resent
