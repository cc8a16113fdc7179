"""Who is left out at the last moment: read again in the transaction that writes the intent (NEW-5)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.message import states
from clinic.message.eligibility.suppress import opt_outs, opted_out
from clinic.record.database import Record
from clinic.record.schema.clinical import patient_need
from clinic.record.schema.messages import batch, message
from clinic.record.schema.people import consent, patient
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients, make_ledger

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"death_date": date(2026, 3, 1)}, "patient_dead"),
        ({"deregistered_on": date(2026, 3, 2)}, "patient_deregistered"),
        ({"deregistered_on": date(2026, 3, 3)}, None),
        ({"preferred_channel": "none"}, "no_contact"),
        ({"preferred_channel": "email"}, None),
        ({"status": "discharged"}, "status_not_messaged"),
        ({"status": "on_hold"}, None),
        ({"fictitious": True}, "patient_fictitious"),
        ({"fictitious": True, "status": "discharged"}, "patient_fictitious"),
    ],
)
def test_what_happened_since_the_check_is_seen(
    record: Record,
    clock: FakeClock,
    tmp_path: Path,
    values: dict[str, object],
    reason: str | None,
) -> None:
    """ARC-10, ACX-36: and the reason stands on the message."""
    add_patients(record, 2)
    number = add_campaign(record, clock, 2)
    ledger = make_ledger(record, clock, tmp_path)
    claim = ledger.claim(number, 1, 1)
    assert claim is not None
    with record.write() as connection:
        connection.execute(sa.update(patient).where(patient.c.id == 1).values(**values))
        count = ledger.leave_out(connection, claim, clock.now())
        found = connection.execute(
            sa.select(message.c.state, message.c.reason).order_by(message.c.patient_id)
        ).all()
        counted = connection.scalar(sa.select(batch.c.suppressed))
    expected = (states.SUPPRESSED, reason) if reason else (states.PENDING, None)
    assert [tuple(row) for row in found] == [expected, (states.PENDING, None)]
    assert count == counted == int(reason is not None)


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("patient_dead", sa.update(patient).values(death_date=date(2026, 3, 1))),
        ("status_not_messaged", sa.update(patient).values(status="discharged")),
        ("opted_out", sa.insert(consent).values(
            patient_id=2, channel="sms", purpose="any", decision="opt_out", source="staff", decided_at=AT,
        )),
        ("place_of_stay", sa.insert(patient_need).values(
            patient_id=2, stay="ward", set_at=AT, set_by="mia",
        )),
        # At this instant, and not when the first batch was asked about
        ("patient_deregistered", sa.update(patient).values(deregistered_on=date(2026, 3, 3))),
    ],
)  # fmt: skip
def test_each_batch_is_asked_about_at_its_own_moment(
    record: Record, clock: FakeClock, tmp_path: Path, reason: str, change: sa.Insert | sa.Update
) -> None:
    """NEW-5: by one statement, which is made once for all batches of the campaign."""
    add_patients(record, 3)
    number = add_campaign(record, clock, 3, batch_size=1)
    ledger = make_ledger(record, clock, tmp_path)
    for patient_id in (1, 2, 3):
        claim = ledger.claim(number, patient_id, patient_id)
        assert claim is not None
        with record.write() as connection:
            if patient_id == 2:
                own = patient.c.id == 2
                connection.execute(change.where(own) if isinstance(change, sa.Update) else change)
                clock.sleep(24 * 3600)
            assert ledger.leave_out(connection, claim, clock.now()) == int(patient_id == 2)
    with record.read() as connection:
        found = connection.scalars(sa.select(message.c.reason).order_by(message.c.patient_id))
        assert list(found) == [None, reason, None]


def test_a_message_that_has_left_is_not_touched(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    add_patients(record, 1)
    number = add_campaign(record, clock, 1)
    ledger = make_ledger(record, clock, tmp_path)
    claim = ledger.claim(number, 1, 1)
    assert claim is not None
    with record.write() as connection:
        connection.execute(sa.update(message).values(state=states.ACCEPTED))
        connection.execute(sa.update(patient).values(death_date=date(2026, 3, 1)))
        assert ledger.leave_out(connection, claim, clock.now()) == 0
        assert connection.scalar(sa.select(message.c.state)) == states.ACCEPTED


@pytest.mark.parametrize(
    ("decisions", "out"),
    [
        ([("sms", "any", "opt_out")], True),
        ([("any", "any", "opt_out")], True),
        ([("email", "any", "opt_out")], False),
        ([("sms", "recall", "opt_out")], True),
        ([("sms", "survey", "opt_out")], False),
        ([("any", "any", "opt_out"), ("sms", "recall", "opt_in")], False),
        ([("sms", "recall", "opt_in"), ("any", "any", "opt_out")], True),
        ([("sms", "survey", "opt_in"), ("sms", "any", "opt_out")], True),
    ],
)
def test_the_latest_decision_for_channel_and_purpose_wins(
    record: Record, clock: FakeClock, decisions: list[tuple[str, str, str]], out: bool
) -> None:
    """ARC-11; formats.md, SMS consent codes: the latest of consent and declined."""
    add_patients(record, 1)
    with record.write() as connection:
        for hours, (channel, purpose, decision) in enumerate(decisions):
            connection.execute(
                sa.insert(consent).values(
                    patient_id=1, channel=channel, purpose=purpose, decision=decision,
                    source="staff", decided_at=clock.now() + timedelta(hours=hours),
                )
            )  # fmt: skip
        everybody = sa.select(patient.c.id)
        found = connection.scalars(opted_out("sms", "recall", everybody)).all()
    assert found == ([1] if out else [])


def _says(purpose: str, decision: str, source: str, by: str | None = None) -> dict[str, str | None]:
    return {"purpose": purpose, "decision": decision, "source": source, "taken_by": by}


_OBJECTS = _says("recall", "opt_out", "telephone", "mia")


@pytest.mark.parametrize(
    ("decisions", "out"),
    [
        # START, a consent code, an import: a general yes that nobody put their name to
        ([_OBJECTS, _says("any", "opt_in", "reply")], True),
        ([_OBJECTS, _says("any", "opt_in", "code")], True),
        ([_OBJECTS, _says("any", "opt_in", "import")], True),
        ([_OBJECTS, _says("any", "opt_out", "reply"), _says("any", "opt_in", "reply")], True),
        # To that very purpose, or taken by a person
        ([_OBJECTS, _says("recall", "opt_in", "import")], False),
        ([_OBJECTS, _says("any", "opt_in", "telephone", "mia")], False),
        # It ends what was general, and nothing that came later
        ([_says("any", "opt_out", "reply"), _says("any", "opt_in", "reply")], False),
        ([_says("any", "opt_in", "reply"), _OBJECTS], True),
        ([_says("recall", "opt_in", "import"), _says("any", "opt_out", "reply")], True),
        ([_says("feedback", "opt_out", "telephone", "mia"), _says("any", "opt_in", "reply")], False),
    ],
)  # fmt: skip
def test_a_general_yes_ends_no_objection_to_one_purpose(
    record: Record, clock: FakeClock, decisions: list[dict[str, str | None]], out: bool
) -> None:
    """NEW-40: whoever objected to one kind of message and texts START still gets none of that kind."""
    add_patients(record, 1)
    with record.write() as connection:
        for hours, said in enumerate(decisions):
            row = {
                "patient_id": 1,
                "channel": "sms",
                "decided_at": clock.now() + timedelta(hours=hours),
            }
            connection.execute(sa.insert(consent).values(**row, **said))
        found = connection.execute(opt_outs("sms", "recall", sa.select(patient.c.id))).all()
    assert len(found) == int(out)
    assert all(decisions[row.id - 1]["decision"] == "opt_out" for row in found)


def test_somebody_of_whom_the_record_knows_nothing_is_left_out_by_no_rule_about_patients(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ACX-21: their columns are NULL, and a rule that took that for a yes would stop every one of them."""
    add_patients(record, 2)
    number = add_campaign(record, clock, 2)
    ledger = make_ledger(record, clock, tmp_path)
    claim = ledger.claim(number, 1, 1)
    assert claim is not None
    with record.write() as connection:
        connection.execute(
            sa.update(message).where(message.c.row_number == 1).values(patient_id=-9434765919)
        )
        assert ledger.leave_out(connection, claim, clock.now()) == 0
