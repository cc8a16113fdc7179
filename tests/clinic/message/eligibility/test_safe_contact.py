"""NEW-26: safe contact is obeyed at the check and at the moment of sending, and its number is shown nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.export.sheets import sheets_of
from clinic.clock import Clock
from clinic.gateway.outbox import Outbox, read_outbox
from clinic.gateway.received import Inbound
from clinic.message.incoming.replies import keep_replies, list_replies, one_reply
from clinic.message.outcomes.outcome_rows import outcome_rows
from clinic.message.outcomes.outreach import list_waiting, outreach_card
from clinic.message.prepare.review import read_previews, review_campaign
from clinic.message.sending.replay import readmit
from clinic.message.sending.submissions import find_open, intend
from clinic.practice.safe_contact import lift_safe_contact, set_safe_contact
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import patient, patient_tag, tag
from tests.fakes import FakeClock
from tests.ledgers import make_ledger
from tests.main_job import Practice, nhs

SAFE = "07700 900987"
SAFE_E164 = "+447700900987"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(record, clock, tmp_path)
    practice.patients(3)
    practice.settings = practice.settings.model_copy(
        update={
            "contact": practice.settings.contact.model_copy(
                update={"restricted_tags": ("door", "unused")}
            )
        }
    )
    return practice


def safe(practice: Practice, n: int, *channels: str, number: str = "") -> None:
    set_safe_contact(
        practice.record, practice.clock, n, channels=channels, number=number, reason="asked for it",
        by="nia", phones=practice.settings.phones,
    )  # fmt: skip


def tagged(practice: Practice, n: int, code: str) -> None:
    with practice.record.write() as connection:
        key = connection.scalar(sa.insert(tag).values(code=code, name=code).returning(tag.c.id))
        connection.execute(sa.insert(patient_tag).values(patient_id=n, tag_id=key))


def left(practice: Practice, number: int) -> list[tuple[Any, ...]]:
    with practice.record.read() as connection:
        rows = connection.execute(
            sa.select(message.c.patient_id, message.c.state, message.c.reason, message.c.address)
            .where(message.c.campaign_id == number)
            .order_by(message.c.patient_id)
        )
        return [tuple(row) for row in rows]


def restrict(practice: Practice) -> None:
    """One patient in each of three ways; the last by another channel, which is nothing to this one."""
    safe(practice, 1)
    tagged(practice, 2, "door")
    tagged(practice, 3, "harmless")
    safe(practice, 3, "sms", "voice")


def test_whoever_may_not_be_contacted_so_is_left_out_as_for_no_contact(practice: Practice) -> None:
    restrict(practice)
    found = practice.judge(practice.everybody(3))
    assert found == {2: "no_contact", 3: "no_contact", 4: "accepted"}


def test_what_is_set_after_the_review_is_obeyed_at_sending(practice: Practice) -> None:
    number = practice.begin(practice.everybody(3))
    practice.check(number)
    batches = practice.stage(number)
    restrict(practice)
    practice.send(number, batches)
    assert [row[:3] for row in left(practice, number)] == [
        (1, "suppressed", "no_contact"), (2, "suppressed", "no_contact"), (3, "accepted", None),
    ]  # fmt: skip


@pytest.mark.parametrize("heading", ["NHS Number", "NHS Number,Mobile"])
def test_a_safe_number_goes_before_the_records_and_the_lists_also_once_it_is_staged(
    practice: Practice, heading: str
) -> None:
    """Patient 1 had one before the check, 2 gets one after it, 3's is lifted after it."""
    safe(practice, 1, number=SAFE)
    safe(practice, 3, number=SAFE)
    mobiles = ["", ",07700 900555", ",07700 900003"] if "," in heading else [""] * 3
    rows = [f"{nhs(n)}{mobiles[n - 1]}" for n in (1, 2, 3)]
    number = practice.begin(practice.file(*rows, heading=heading))
    practice.check(number)
    assert set(practice.outcomes(number)) == {2, 3, 4}
    batches = practice.stage(number)
    safe(practice, 2, number="07700900988")
    with practice.record.write() as connection:
        connection.execute(
            sa.insert(operator).values(
                name="lea", role="manager", active=True, secret_hash="x", created_at=practice.clock.now(),
                created_by="nia",
            )
        )  # fmt: skip
    lift_safe_contact(practice.record, practice.clock, 3, reason="moved out", by="lea")
    practice.send(number, batches)
    assert [row[1::2] for row in left(practice, number)] == [
        ("accepted", SAFE_E164), ("accepted", "+447700900988"), ("accepted", "+447700900003"),
    ]  # fmt: skip


@pytest.mark.parametrize("given", [{"number": SAFE}, {}])
def test_a_request_that_was_left_open_is_not_repeated_to_who_may_not_be_contacted_so(
    practice: Practice, tmp_path: Path, given: dict[str, str]
) -> None:
    """Killed between the intent and the answer; the same bytes may not go to the old number again."""
    number = practice.begin(practice.everybody(3))
    practice.check(number)
    practice.stage(number)
    with practice.record.write() as connection:
        connection.execute(sa.update(campaign).values(state="running"))
    ledger = make_ledger(practice.record, practice.clock, tmp_path, settings=practice.settings)
    claim = ledger.claim(number, 1, 1)
    assert claim is not None
    assert intend(ledger, claim, practice.gateway) is not None
    safe(practice, 1, **given)
    sent = find_open(ledger, claim, practice.gateway)
    assert sent is not None
    assert readmit(ledger, claim, sent) is None
    assert {row[1] for row in left(practice, number)} == {"unknown"}


def test_a_safe_number_is_shown_nowhere_and_nothing_of_the_list_is_held_against_it(
    practice: Practice, clock: Clock
) -> None:
    safe(practice, 1, number=SAFE)
    practice.gateway = Outbox(practice.record, "sms", clock=clock)
    # The list has somebody else's number: it is not used, so nothing is said of it
    rows = [f"{nhs(1)},07700900002", f"{nhs(2)},07700900002"]
    number = practice.begin(practice.file(*rows, heading="NHS Number,Mobile"))
    practice.check(number)
    assert practice.outcomes(number) == {2: "accepted", 3: "accepted"}
    batches = practice.stage(number)
    said: list[object] = [
        review_campaign(practice.record, number, segment_cost=0), read_previews(practice.record, number),
        read_previews(practice.record, number, row=2),
    ]  # fmt: skip
    practice.send(number, batches)
    keep_replies(
        practice.record, clock, [Inbound("fake", "e1", "sms", "447700900987", "Thank you")],
        practice.settings.phones,
    )  # fmt: skip
    said += [
        outreach_card(practice.record, 1), list_waiting(practice.record, 1),
        read_outbox(practice.record), list_replies(practice.record),
        list(outcome_rows(practice.record, number)),
    ]  # fmt: skip
    own, people = one_reply(practice.record, 1, practice.settings.phones)
    said += [own, people]
    with practice.record.read() as connection:
        everybody = sa.select(patient.c.id)
        for sheet in sheets_of("full"):
            said.append(connection.execute(sheet.rows_of(everybody)).all())
    assert [one for one in said if "900987" in repr(one)] == []
    assert "not shown" in repr(said[1])
    # Who answers a reply must know whose it is
    assert [person.patient_id for person in people] == [1]
    assert left(practice, number)[0][3] == SAFE_E164
