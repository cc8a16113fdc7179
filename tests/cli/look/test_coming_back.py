"""What `replies`, `receipts` and `resend` print and do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.gateway.received import Inbound, Receipt
from clinic.message import states
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.replies import keep_replies
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import patient
from clinic.settings import Phones
from tests.campaigns import Fate, put_campaign
from tests.cli.conftest import Type
from tests.fakes import FakeClock
from tests.references import message_id

NUMBER = "+447700900001"


def answered(record: Record, *texts: str) -> None:
    replies = [Inbound("outbox", f"{n}", "sms", NUMBER, text) for n, text in enumerate(texts)]
    keep_replies(record, FakeClock(), replies, Phones(test_range=True))


def test_replies_that_a_person_should_read_are_listed(typed: Type, installed: Record) -> None:
    """NEW-5: oldest first; keywords only when asked for."""
    answered(installed, "stop", "Who is this?", "help")
    assert [row[5:] for row in typed("replies").rows()] == [
        [NUMBER, "", "", "open", "Who is this?"],
        [NUMBER, "", "help", "open", "help"],
    ]
    assert len(typed("replies", "--keywords").rows()) == 3
    assert [one["text"] for one in typed("replies", "--json").json()] == ["Who is this?", "help"]


def test_a_reply_shows_the_patients_of_its_number(typed: Type, installed: Record) -> None:
    """NEW-5: whose number it is now, and what may be an opt-out, for a person to decide."""
    with installed.write() as connection:
        connection.execute(
            sa.insert(patient),
            [
                {
                    "id": n,
                    "local_id": f"L{n}",
                    "given_name": "Ann",
                    "family_name": f"No{n}",
                    "mobile": m,
                }
                for n, m in ((901, "07700 900001"), (902, "+44 7700 900001"), (903, "07700900002"))
            ],
        )
    answered(installed, "Cancel 09:50?")
    assert typed("replies").rows()[0][7] == "may be an opt-out"
    shown = typed("replies", "1", "--json").json()
    assert (shown["text"], shown["may_be_opt_out"]) == ("Cancel 09:50?", True)
    assert [one["local_id"] for one in shown["of"]] == ["L901", "L902"]
    said = typed("replies", "1")
    assert "cohort patient L902 --reason reply" in said.err
    assert "Ann No901" in said.out
    assert typed("replies", "7").code == 2


def test_receipts_are_counted_and_applied_by_hand(typed: Type, installed: Record) -> None:
    """COM-6: what the scheduled run does, without waiting for it."""
    number = put_campaign(
        installed, SystemClock(), [Fate(state=states.ACCEPTED, patient_id=5)], gateway="outbox"
    )
    receipts = [
        Receipt("outbox", "1", message_id(number, 2), "delivered"),
        Receipt("outbox", "2", 7, "delivered"),
    ]
    keep_receipts(installed, SystemClock(), receipts)
    answered(installed, "Who is this?")
    done = typed("receipts", "apply")
    assert "1 receipt applied" in done.err
    assert "1 of no message; 1 reply" in done.err
    assert typed("receipts", "status", "--json").json() == {
        "waiting": 0, "applied": 1, "ignored": 0, "unmatched": 1, "not_understood": 0,
    }  # fmt: skip


def test_without_a_secret_nothing_is_taken_in(typed: Type, installed: Record) -> None:
    """ACX-34: an endpoint that anybody could write to is not opened."""
    refused = typed("receipts", "serve")
    assert refused.code == 2
    assert "receipts-secret" in refused.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["1"], "resend-nothing"),
        (["1", "--rows", "2"], "resend-not-failed"),
        (["9"], "campaign-unknown"),
    ],
)
def test_what_did_not_fail_is_not_sent_again(
    typed: Type, installed: Record, clock: FakeClock, words: list[str], code: str
) -> None:
    """PAT-23."""
    put_campaign(installed, clock, [Fate(state=states.DELIVERED, patient_id=5)])
    refused = typed("resend", *words, "--yes")
    assert refused.code in (2, 3)
    assert code in refused.err
    with installed.read() as connection:
        count = sa.select(sa.func.count()).select_from(campaign)
        assert connection.execute(count).scalar_one() == 1


def test_rows_are_named_by_numbers(typed: Type, installed: Record) -> None:
    assert typed("resend", "1", "--rows", "two").code == 2


def test_the_outreach_report_is_an_excel_file_too(
    typed: Type, installed: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ARC-17, ARC-18, ACX-27: every cell a text, so that no formula runs and no zero is lost."""
    fate = Fate(state=states.REJECTED, patient_id=5, error="=1+1")
    number = put_campaign(installed, clock, [fate, Fate(state=states.DELIVERED, patient_id=6)])
    path = tmp_path / "report.xlsx"
    typed("report", "--campaign", str(number), "--excel", str(path))
    sheet = openpyxl.load_workbook(path).active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][0] == "Bulk Outreach ID"
    assert [row[0] for row in rows[1:]] == [str(number)] * 2
    assert "=1+1" in rows[1]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert typed("report", "--campaign", "77", "--excel", str(path)).code != 0
    assert openpyxl.load_workbook(path).active.max_row == 3  # what was not asked for is not touched


def test_unknown_messages_are_not_settled_by_one_person(
    typed: Type, installed: Record, clock: FakeClock
) -> None:
    """NEW-3."""
    fate = Fate(state=states.UNKNOWN, patient_id=5)
    number = put_campaign(installed, clock, [fate], state=states.RECONCILING)
    with installed.write() as connection:
        connection.execute(sa.update(message).values(sent_at=clock.now() - timedelta(days=9)))
    refused = typed("unknown", "settle", str(number), "--as", "not-sent")
    assert refused.code == 3
    assert "approval-none" in refused.err
