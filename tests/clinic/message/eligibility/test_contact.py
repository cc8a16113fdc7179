"""NEW-8: at most N messages a patient in a period, over all campaigns; numbers that failed for good."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.message import states
from clinic.message.sending.deliver import deliver, send_batch
from clinic.message.sending.ledger import Ledger
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, template, template_audience, template_version
from clinic.record.schema.messages import campaign, message, recipient
from clinic.record.schema.people import patient
from clinic.settings import Contact, Organisation, Phones, Settings
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.main_job import Practice

TWICE_A_WEEK = Timing(contact=Contact(most=2, days=7))


@pytest.fixture
def ledger(record: Record, clock: FakeClock, tmp_path: Path) -> Ledger:
    add_patients(record, 10)
    return make_ledger(record, clock, tmp_path, timing=TWICE_A_WEEK)


def send(ledger: Ledger, **settings: Any) -> dict[str, int]:
    number = add_campaign(ledger.record, ledger.clock, 10, **settings)
    deliver(ledger, FakeGateway(), number, 1, 1)
    return message_states(ledger.record, number)


def test_the_third_message_of_a_week_is_left_out_with_the_reason(
    ledger: Ledger, clock: FakeClock
) -> None:
    """NEW-8: asked again at the moment of sending; a week later there is room."""
    assert send(ledger) == {"accepted": 10}
    clock.time += timedelta(days=3)
    assert send(ledger) == {"accepted": 10}
    assert send(ledger) == {"suppressed": 10}
    with ledger.record.read() as connection:
        reasons = connection.scalars(
            sa.select(message.c.reason).where(message.c.state == states.SUPPRESSED).distinct()
        ).all()
    assert reasons == ["recently_contacted"]
    clock.time += timedelta(days=5)
    assert send(ledger) == {"accepted": 10}


def test_rehearsals_neither_count_nor_are_counted(ledger: Ledger) -> None:
    for _ in range(3):
        assert send(ledger, dry_run=True) == {"accepted": 10}
    assert send(ledger) == {"accepted": 10}


def test_an_exempt_purpose_is_never_held_back(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    add_patients(record, 10)
    timing = Timing(contact=Contact(most=1, exempt_purposes=("administration",)))
    ledger = make_ledger(record, clock, tmp_path, timing=timing)
    for purpose, fate in (
        ("any", "accepted"),
        ("administration", "accepted"),
        ("any", "suppressed"),
    ):
        assert send(ledger, purpose=purpose) == {fate: 10}, purpose


@pytest.mark.parametrize(
    ("kind", "source", "apart"),
    [
        ("invitation", "file", False),
        ("reminder", "file", True),
        ("recall", "file", True),
        ("invitation", "report", True),
        ("invitation", "staff", True),
        ("invitation of the class recall", "file", True),
    ],
)
def test_by_default_three_in_a_week_and_reminders_and_recalls_apart(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, kind: str, source: str, apart: bool
) -> None:
    """NEW-30: they are neither held back nor counted against others."""
    add_patients(sqlite_record, 10)
    ledger = make_ledger(sqlite_record, clock, tmp_path, timing=Timing(contact=Contact()))
    ordinary = [send(ledger), send(ledger)]
    with sqlite_record.write() as connection:
        connection.execute(
            sa.insert(template).values(id=2, key="own", name="Own", message_type=kind[:10])
        )
        version = sa.select(template_version).where(template_version.c.id == 1)
        values = connection.execute(version).one()._asdict() | {"id": 2, "template_id": 2}
        connection.execute(sa.insert(template_version).values(values))
        classes = "recall sensitive" if "class" in kind else "sensitive"
        connection.execute(
            sa.insert(template_audience).values(template_version_id=2, classes=classes)
        )
    special = [send_from(ledger, source)]
    ordinary.append(send(ledger))
    special.append(send_from(ledger, source))
    sent, held = {"accepted": 10}, {"suppressed": 10}
    assert ordinary == [sent, sent, sent if apart else held]
    assert special == [sent, sent if apart else held]
    assert send(ledger) == held


def send_from(ledger: Ledger, source: str) -> dict[str, int]:
    """Of the second template, by a list of that source."""
    number = add_campaign(ledger.record, ledger.clock, 10, template_version_id=2)
    own = sa.select(campaign.c.list_id).where(campaign.c.id == number).scalar_subquery()
    with ledger.record.write() as connection:
        connection.execute(
            sa.update(cohort_list).where(cohort_list.c.id == own).values(source=source)
        )
    deliver(ledger, FakeGateway(), number, 1, 1)
    return message_states(ledger.record, number)


def test_a_message_whose_answer_is_still_out_counts(ledger: Ledger, clock: FakeClock) -> None:
    """NEW-8: two campaigns at once do not each overlook the other's message."""
    send(ledger)
    first = add_campaign(ledger.record, clock, 10)
    claim = ledger.claim(first, 1, 1)
    assert claim is not None
    send_batch(ledger, FakeGateway(plan=["cut"]), claim)
    assert message_states(ledger.record, first) == {"pending": 10}
    assert send(ledger) == {"suppressed": 10}


OUTCOMES = [
    ("the network says no such number", states.UNDELIVERED, "unknown_subscriber", "likely_to_fail"),
    ("the phone was off", states.UNDELIVERED, "absent_subscriber", "accepted"),
    ("the gateway turned it down", states.REJECTED, "number-barred", "likely_to_fail"),
    ("it was too long for the network", states.UNDELIVERED, "too_long", "accepted"),
    ("it was too long for the gateway", states.REJECTED, "message_too_long", "accepted"),
    ("two people: it was never sent", states.REJECTED, "settled_not_sent", "accepted"),
    ("it arrived", states.DELIVERED, None, "accepted"),
]


@pytest.mark.parametrize(
    ("state", "reason", "outcome"), [row[1:] for row in OUTCOMES], ids=[row[0] for row in OUTCOMES]
)
@pytest.mark.parametrize("changed", [False, True], ids=["same number", "changed number"])
def test_a_number_that_failed_for_good_last_time_is_held_back_and_listed(
    record: Record,
    clock: FakeClock,
    tmp_path: Path,
    state: str,
    reason: str | None,
    outcome: str,
    changed: bool,
) -> None:
    """ACX [A3], ACX-36: only if it is set so, and only that number: a changed one is used."""
    contact = Contact(most=9, hold_failed=True)
    practice = office(record, clock, tmp_path, contact)
    practice.run(practice.everybody(1))
    with record.write() as connection:
        connection.execute(sa.update(message).values(state=state, reason=reason))
        if changed:
            connection.execute(sa.update(patient).values(mobile="07700900999"))
    again = practice.begin(practice.everybody(1), request_key="again", again=True)
    practice.check(again)
    assert outcome_of(record, again) == ("accepted" if changed else outcome)


def test_who_had_enough_is_left_out_when_the_list_is_checked(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-8: `recently_contacted` before sending too, so that the review says so."""
    practice = office(record, clock, tmp_path, Contact(most=1, days=7))
    practice.run(practice.everybody(1))
    second = practice.begin(practice.everybody(1), request_key="again", again=True)
    practice.check(second)
    assert outcome_of(record, second) == "recently_contacted"
    with record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(campaign)) == 2


def office(record: Record, clock: FakeClock, folder: Path, contact: Contact) -> Practice:
    settings = Settings(
        home=folder,
        record_url=record.engine.url.render_as_string(hide_password=False),
        operator="nia",
        phones=Phones(test_range=True),
        organisation=Organisation(),
        contact=contact,
    )
    practice = Practice(record, clock, folder, settings=settings)
    practice.patients(1)
    return practice


def outcome_of(record: Record, number: int) -> str:
    with record.read() as connection:
        return str(
            connection.scalar(
                sa.select(recipient.c.outcome).where(recipient.c.campaign_id == number)
            )
        )
