"""NEW-5: which decision left somebody out is kept before and at the moment of sending, and told in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from clinic.gateway.received import Inbound
from clinic.message.eligibility.evidence import explain
from clinic.message.incoming.replies import apply_replies, keep_replies
from clinic.message.incoming.unsubscribe import unsubscribe
from clinic.message.outcomes.outcome_rows import outcome_rows
from clinic.record.database import Record
from clinic.record.schema.messages import message, recipient
from clinic.record.schema.people import consent
from tests.fakes import FakeClock
from tests.main_job import Practice

LONDON = ZoneInfo("Europe/London")
DAY = datetime(2026, 2, 1, 9, tzinfo=UTC)


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(record, clock, tmp_path)
    practice.patients(3)
    return practice


def decide(record: Record, patient_id: int, decision: str = "opt_out", **values: Any) -> None:
    given = {"channel": "sms", "source": "staff", "decided_at": DAY, "purpose": "any"}
    with record.write() as connection:
        connection.execute(
            sa.insert(consent).values(
                given | values | {"patient_id": patient_id, "decision": decision}
            )
        )


def kept(record: Record) -> dict[int, str | None]:
    with record.read() as connection:
        rows = connection.execute(sa.select(recipient.c.patient_id, recipient.c.evidence))
        return {row.patient_id: row.evidence for row in rows}


def test_the_row_keeps_the_decision_that_left_it_out(practice: Practice, clock: FakeClock) -> None:
    """NEW-5: the latest that speaks of this channel; none where nothing of that kind decided."""
    decide(practice.record, 1, decided_at=DAY - timedelta(days=9))
    decide(practice.record, 1, "opt_in", decided_at=DAY - timedelta(days=5))
    decide(practice.record, 1)
    decide(practice.record, 2, channel="email")
    stop = Inbound("fake", "e1", "sms", "+447700900003", "STOP", DAY)
    keep_replies(practice.record, clock, [stop], practice.settings.phones)
    practice.judge(practice.everybody(3))
    assert kept(practice.record) == {1: "consent 3", 2: None, 3: "reply 1"}


def test_the_file_of_outcomes_says_when_and_how_they_opted_out(
    practice: Practice, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-5, NEW-6: of a row left out before sending, and of a message left out at the moment of sending."""
    decide(practice.record, 1, source="reply")
    number = practice.begin(practice.everybody(3))
    practice.check(number)
    batches = practice.stage(number)
    decide(practice.record, 2, source="code", decided_at=clock.now())
    practice.send(number, batches)
    found = [(row.code, row.says, row.detail) for row in outcome_rows(practice.record, number)]
    says = "The patient does not want this channel. Contact another way."
    assert found[:2] == [
        ("opted_out", says, "opted out of SMS on 1 February 2026 by reply"),
        ("suppressed", says, "opted out of SMS on 2 March 2026 by a code on the record"),
    ]
    assert found[2][::2] == ("sent", "")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "opted out of SMS on 1 February 2026 with staff"),
        ({"channel": "any"}, "opted out of all messages on 1 February 2026 with staff"),
        ({"channel": "voice", "source": "import"},
         "opted out of calls on 1 February 2026 in what was imported"),
        ({"purpose": "test_results", "source": "code"},
         "opted out of SMS about test results on 1 February 2026 by a code on the record"),
        # 23:30 UTC in summer is the next day for who said it
        ({"decided_at": datetime(2026, 5, 31, 23, 30, tzinfo=UTC), "channel": "email"},
         "opted out of e-mail on 1 June 2026 with staff"),
        ({"source": "the app"}, "opted out of SMS on 1 February 2026 by the app"),
    ],
)  # fmt: skip
def test_a_consent_in_words(practice: Practice, values: dict[str, Any], words: str) -> None:
    decide(practice.record, 1, **values)
    with practice.record.read() as connection:
        assert explain(connection, ["consent 1"], LONDON) == {"consent 1": words}


def test_what_a_number_or_address_decided_in_words(practice: Practice, clock: FakeClock) -> None:
    """The same number may be several patients': it is the number that opted out, and no name is told."""
    practice.run(practice.everybody(1))
    with practice.record.read() as connection:
        reference = connection.execute(sa.select(message.c.id)).scalar_one()
    stop = Inbound("fake", "e1", "sms", "+447700900003", "STOP", DAY)
    keep_replies(practice.record, clock, [stop], practice.settings.phones)
    apply_replies(practice.record, clock, practice.settings.phones)
    unsubscribe(practice.record, clock, reference)
    keys = ["reply 1", f"by_link {reference}", "reply 9", "consent 77", "nothing", ""]
    with practice.record.read() as connection:
        assert explain(connection, keys, LONDON) == {
            "reply 1": "the number opted out of SMS on 1 February 2026 by reply",
            f"by_link {reference}": "the address opted out of SMS on 2 March 2026 "
            "by the link in an e-mail",
        }
