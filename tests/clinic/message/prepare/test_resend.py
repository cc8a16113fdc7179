"""PAT-22, PAT-23: only what failed is sent again, once, to the numbers of now."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused, NotAllowed, NotFound
from clinic.message import states
from clinic.message.campaign.counting import count_outcomes
from clinic.message.prepare.resend import begin_resend, resendable
from clinic.message.prepare.stage import stage
from clinic.message.safety.accepted import keep_acceptances
from clinic.message.sending.deliver import deliver
from clinic.message.template.variables import Setting
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import patient
from clinic.settings import Settings
from data_checks.cohort import check_cohort
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.references import message_id

SETTINGS = Settings(phones={"test_range": True})  # type: ignore[arg-type]
_keys = itertools.count(1)
FATES = [
    states.DELIVERED, states.ACCEPTED, states.UNKNOWN, states.UNDELIVERED, states.REJECTED,
    states.EXHAUSTED, states.EXPIRED, states.SUPPRESSED, states.CANCELLED,
]  # fmt: skip
FAILED = [4, 5, 6, 7]  # their rows


@pytest.fixture
def old(record: Record, clock: FakeClock) -> int:
    """A campaign of a file with a message of every fate."""
    return put_old(record, clock)


def put_old(record: Record, clock: FakeClock) -> int:
    """A campaign of a file with a message of every fate; row n is patient n."""
    add_patients(record, len(FATES))
    number = add_campaign(record, clock, len(FATES))
    with record.write() as connection:
        if record.dialect == "postgresql":  # the campaign was put in with a number of its own
            connection.execute(sa.text("SELECT nextval('campaign_id_seq')"))
        for row, state in enumerate(FATES, start=1):
            connection.execute(
                sa.update(message)
                .where(message.c.id == message_id(number, row))
                .values(state=state)
            )
        connection.execute(sa.update(campaign).values(state=states.COMPLETED, rows=len(FATES)))
        connection.execute(
            sa.update(cohort_list).values(
                source="file", columns='["NHS Number", "Mobile"]',
                fields='{"nhs_number": "NHS Number", "mobile": "Mobile"}', layout="generic",
            )
        )  # fmt: skip
        insert_rows(
            connection,
            list_row,
            ("list_id", "row_number", "cells"),
            [(1, n, f'["", "0770090{n:04}"]') for n in range(1, len(FATES) + 1)],
        )
    return number


def ask(record: Record, clock: FakeClock, number: int, **options: object) -> int:
    values: dict[str, object] = {"request_key": f"again-{next(_keys)}", "gateway": "fake"}
    return begin_resend(
        record,
        clock,
        SETTINGS,
        number,
        batch_limit=1000,
        **(values | options),  # type: ignore[arg-type]
    )


def send(record: Record, clock: FakeClock, folder: Path, number: int) -> list[tuple[int, str]]:
    """Judge, stage and send it: patients and addresses."""
    check_cohort(record, clock, SETTINGS, number)
    stage(record, number, setting=Setting(SETTINGS.organisation, clock.now()), most_segments=6)
    with record.write() as connection:
        connection.execute(
            sa.update(campaign).where(campaign.c.id == number).values(state=states.RUNNING)
        )
    deliver(make_ledger(record, clock, folder / str(number)), FakeGateway(), number, 1, 9)
    with record.read() as connection:
        rows = connection.execute(
            sa.select(message.c.patient_id, message.c.address)
            .where(message.c.campaign_id == number, message.c.state == states.ACCEPTED)
            .order_by(message.c.id)
        )
        return [(row[0], row[1]) for row in rows]


def test_only_what_failed_is_sent_again_to_the_number_of_now(
    record: Record, clock: FakeClock, tmp_path: Path, old: int
) -> None:
    """PAT-23: delivered ones never, what is sent or unknown never; a corrected number is used."""
    with record.write() as connection:
        connection.execute(
            sa.update(patient).where(patient.c.id == 5).values(mobile="07700 900555")
        )
    again = ask(record, clock, old)
    sent = send(record, clock, tmp_path, again)
    assert [patient_id for patient_id, _ in sent] == FAILED
    assert sent[1] == (5, "+447700900555")
    assert message_states(record, old)["delivered"] == 1
    with record.read() as connection:
        made = connection.execute(sa.select(campaign).where(campaign.c.id == again)).one()
        assert (made.resend_of, made.rows) == (old, 4)
        assert count_outcomes(connection, again) == {"sent": 4}


def test_what_was_sent_again_is_not_sent_a_third_time_from_the_same_campaign(
    record: Record, clock: FakeClock, tmp_path: Path, old: int
) -> None:
    """PAT-23: messages never twice; what fails again is the new campaign's to send."""
    again = ask(record, clock, old, rows=[4, 5])
    with pytest.raises(NotAllowed, match="4"):
        ask(record, clock, old, rows=[4, 6])
    send(record, clock, tmp_path, again)
    send(record, clock, tmp_path, ask(record, clock, old))
    with pytest.raises(NotAllowed, match="resend-nothing"):
        ask(record, clock, old)
    with record.write() as connection:
        connection.execute(
            sa.update(message)
            .where(message.c.campaign_id == again, message.c.row_number == 5)
            .values(state=states.UNDELIVERED)
        )
    third = send(record, clock, tmp_path, ask(record, clock, again))
    assert [patient_id for patient_id, _ in third] == [5]


@pytest.mark.parametrize("rows", [[1], [2], [3], [8], [9], [77], [4, 1]])
def test_rows_that_did_not_fail_are_refused_by_number(
    record: Record, clock: FakeClock, old: int, rows: list[int]
) -> None:
    """PAT-22."""
    with pytest.raises(NotAllowed, match=str(rows[-1])):
        ask(record, clock, old, rows=rows)


def test_the_same_request_again_is_the_same_campaign(
    record: Record, clock: FakeClock, old: int
) -> None:
    assert ask(record, clock, old, request_key="same") == ask(
        record, clock, old, request_key="same"
    )


def test_a_resend_that_was_refused_or_cancelled_before_it_sent_leaves_the_rows_to_the_next(
    record: Record, clock: FakeClock, old: int
) -> None:
    for state in (states.REFUSED, states.CANCELLED_CAMPAIGN):
        again = ask(record, clock, old)
        with record.write() as connection:
            connection.execute(
                sa.update(campaign).where(campaign.c.id == again).values(state=state)
            )
    with record.read() as connection:
        assert resendable(connection, old) == FAILED


def test_rehearsals_and_reminders_are_not_sent_again(
    record: Record, clock: FakeClock, old: int
) -> None:
    with record.write() as connection:
        connection.execute(sa.update(cohort_list).values(source="report"))
    with pytest.raises(NotAllowed, match="resend-reminder"):
        ask(record, clock, old)
    with record.write() as connection:
        connection.execute(sa.update(campaign).values(dry_run=True))
    with pytest.raises(NotAllowed, match="resend-rehearsal"):
        ask(record, clock, old)
    with pytest.raises(NotFound):
        ask(record, clock, 999)


def test_failures_of_a_list_that_is_old_by_now_need_a_named_person(
    record: Record, clock: FakeClock, old: int
) -> None:
    """NEW-29: they are of the day that their list is of; what was accepted of the first counts for them too."""
    with record.write() as connection:
        day = clock.now().date() - timedelta(days=10)
        connection.execute(sa.update(cohort_list).values(as_of=day, as_of_from="name"))
    clock.sleep(5 * 86_400)
    with pytest.raises(CohortRefused, match="15 days old"):
        check_cohort(record, clock, SETTINGS, ask(record, clock, old))
    accept = {"stale_list": "The same patients are rung otherwise"}
    number = ask(record, clock, old)
    keep_acceptances(record, clock, number, accept, by="nia")
    check_cohort(record, clock, SETTINGS, number)
    with record.write() as connection:
        connection.execute(
            sa.update(campaign)
            .where(campaign.c.id == number)
            .values(state=states.CANCELLED_CAMPAIGN)
        )
    keep_acceptances(record, clock, old, accept, by="nia")
    check_cohort(record, clock, SETTINGS, ask(record, clock, old))
