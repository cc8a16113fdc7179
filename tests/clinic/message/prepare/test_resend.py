"""PAT-22, PAT-23: only what failed is sent again, once, to the numbers of now."""

from __future__ import annotations

import itertools
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused, NotAllowed, NotFound
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.counting import count_outcomes
from clinic.message.meanwhile.day_moved import words_of_another_day
from clinic.message.prepare.content import still_open
from clinic.message.prepare.resend import begin_resend, resendable
from clinic.message.prepare.stage import stage
from clinic.message.safety.accepted import acceptance_for, keep_acceptances
from clinic.message.sending.deliver import deliver
from clinic.message.template.variables import Setting
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row, template_version
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
    """NEW-29: they are of the day that their list is of; that the first was accepted says nothing of them."""
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
    with pytest.raises(CohortRefused, match="15 days old"):
        check_cohort(record, clock, SETTINGS, ask(record, clock, old))


@pytest.mark.parametrize(("days", "stops"), [(0, False), (1, True)])
def test_a_text_that_says_tomorrow_is_not_sent_again_on_another_day(
    record: Record, clock: FakeClock, old: int, days: int, stops: bool
) -> None:
    """NEW-25: it was written for the day on which it was first asked for, and so for a resend of a resend."""
    with record.write() as connection:
        connection.execute(sa.update(template_version).values(body="Our clinic is tomorrow"))
    keep_acceptances(record, clock, old, {"content_day_word": "it was sent at once"}, by="nia")
    first = ask(record, clock, old, rows=[4])
    clock.sleep(days * 86_400)
    again = ask(record, clock, old, rows=[5])
    with record.write() as connection:
        connection.execute(
            sa.update(campaign).where(campaign.c.id == again).values(resend_of=first)
        )
    check_cohort(record, clock, SETTINGS, again)
    stage(record, again, setting=Setting(SETTINGS.organisation, clock.now()), most_segments=9)
    with record.read() as connection:
        found = [one.code for one in still_open(connection, get_campaign(connection, again))]
        words = words_of_another_day(connection, again, clock.now(), UTC)
    assert ("content_day_word" in found, bool(words)) == (stops, stops)
    keep_acceptances(record, clock, again, {"content_day_word": "every day is one"}, by="nia")
    with record.read() as connection:
        assert words_of_another_day(connection, again, clock.now(), UTC) == []


@pytest.mark.parametrize(
    ("code", "counts"),
    [
        ("content_sexual_reproductive", True),
        ("content_domain", True),
        ("content_day_word", False),
        ("date_gone_by", False),
        ("had_this_lately", False),
        ("number_of_another", False),
        ("shared_number", False),
        ("unusual_size", False),
    ],
)
def test_what_was_accepted_counts_for_the_failures_where_it_is_in_the_words(
    record: Record, clock: FakeClock, old: int, code: str, counts: bool
) -> None:
    """NEW-25: and not where it is of that day, those numbers or so many patients."""
    keep_acceptances(record, clock, old, {code: "It was right then"}, by="nia")
    again = ask(record, clock, old)
    with record.read() as connection:
        assert (acceptance_for(connection, again, code) is not None) is counts
        assert acceptance_for(connection, old, code) is not None
