"""ACX-36: a number that was changed since the list was checked is the one that is used."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.gateway.received import Inbound
from clinic.message.incoming.replies import keep_replies
from clinic.message.prepare.approve import release_campaign
from clinic.message.sending.deliver import deliver
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.record.schema.messages import batch, message
from clinic.record.schema.people import patient
from tests.fakes import FakeClock
from tests.ledgers import make_ledger
from tests.main_job import Practice, nhs

OLD, NEW, LISTED = "07700900001", "07700 900 555", "07700900777"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(record, clock, tmp_path, address_from="list")
    practice.patients(2)
    return practice


def staged(practice: Practice, *rows: str, heading: str, **values: Any) -> int:
    number = practice.begin(practice.file(*rows, heading=heading), **values)
    practice.check(number)
    practice.stage(number)
    return number


def write(practice: Practice, **values: Any) -> None:
    """Somebody changes the first patient, as every writer does."""
    with practice.record.write() as connection:
        connection.execute(
            sa.update(patient)
            .where(patient.c.id == 1)
            .values(values | {"version": patient.c.version + 1})
        )


def sent(practice: Practice, number: int) -> list[tuple[str, str, str | None]]:
    """Let it go at its time; each message's address, state and reason."""
    timing = timing_of(practice.settings)
    release_campaign(practice.record, practice.clock, practice.settings, number, timing)
    ledger = make_ledger(practice.record, practice.clock, practice.folder, timing=timing)
    deliver(ledger, practice.gateway, number, 1, 9)
    with practice.record.read() as connection:
        columns = (message.c.address, message.c.state, message.c.reason)
        rows = connection.execute(sa.select(*columns).order_by(message.c.id))
        return [(row[0], row[1], row[2]) for row in rows]


BARE = ("NHS Number", nhs(1))
SAME = ("NHS Number,Mobile Telephone", f"{nhs(1)},{OLD}")
OTHER = ("NHS Number,Mobile Telephone", f"{nhs(1)},{LISTED}")
TO_OLD = ("+447700900001", "accepted", None)
TO_NEW = ("+447700900555", "accepted", None)
TO_LISTED = ("+447700900777", "accepted", None)


@pytest.mark.parametrize(
    ("listed", "change", "fate"),
    [
        (BARE, {"mobile": NEW}, TO_NEW),
        (SAME, {"mobile": NEW}, TO_NEW),
        (OTHER, {"mobile": NEW}, TO_LISTED),
        (BARE, {"status": "on_hold"}, TO_OLD),
        (BARE, {"mobile": "+44 7700 900001"}, TO_OLD),
        (BARE, {"mobile": None}, ("+447700900001", "suppressed", "phone_missing")),
        (BARE, {"mobile": "12"}, ("+447700900001", "suppressed", "phone_invalid")),
        (BARE, {"mobile": None, "death_date": date(2026, 3, 1)},
         ("+447700900001", "suppressed", "patient_dead")),
        (OTHER, {"mobile": None}, TO_LISTED),
    ],
)  # fmt: skip
def test_where_a_message_goes_when_the_record_was_changed_before_its_date(
    practice: Practice,
    listed: tuple[str, str],
    change: dict[str, Any],
    fate: tuple[str, str, str | None],
) -> None:
    """ACX-36: the record's new number; a number that the list alone has is the list's."""
    heading, row = listed
    number = staged(practice, row, heading=heading)
    write(practice, **change)
    assert sent(practice, number) == [fate]
    with practice.record.read() as connection:
        counted = connection.execute(sa.select(batch.c.accepted, batch.c.suppressed)).one()
    assert tuple(counted) == ((0, 1) if fate[1] == "suppressed" else (1, 0))


def test_who_said_stop_by_the_new_number_is_not_messaged_there(
    practice: Practice, clock: FakeClock
) -> None:
    """NEW-5: the number that counts for a STOP is the one that would be used."""
    number = staged(practice, nhs(1), nhs(2), heading="NHS Number")
    write(practice, mobile=NEW)
    stop = Inbound("fake", "e1", "sms", "+447700900555", "STOP", clock.now())
    keep_replies(practice.record, clock, [stop], practice.settings.phones)
    first, second = sent(practice, number)
    assert first == ("+447700900555", "suppressed", "opted_out")
    assert second[1] == "accepted"


def test_an_e_mail_goes_to_the_new_address(practice: Practice) -> None:
    """ACX-36."""
    number = staged(practice, nhs(1), nhs(2), heading="NHS Number", channel="email")
    write(practice, email="New@Example.org")
    assert [row[0] for row in sent(practice, number)] == ["new@example.org", "p2@example.org"]
