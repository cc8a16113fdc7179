"""NEW-27: whom one message to a number tells, whatever becomes of that message."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.received import Receipt
from clinic.govern.audit.derived import unlike_their_messages
from clinic.message import states
from clinic.message.campaign.counting import count_outcomes
from clinic.message.campaign.doubt import Doubt, give_up_lost
from clinic.message.codes import batch_id
from clinic.message.eligibility.contact import likely_to_fail
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.outcomes.outcome_rows import outcome_rows
from clinic.message.outcomes.outreach import outreach_card
from clinic.message.outcomes.report import show_campaign
from clinic.message.outcomes.save import save_batches
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.approve import release_campaign
from clinic.message.prepare.control import cancel, settle_cancelled
from clinic.message.prepare.resend import resendable
from clinic.message.sending.deliver import deliver
from clinic.message.timing.timing import Timing, timing_of
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.people import patient
from clinic.settings import Contact, Pace, Pacing
from tests.clinic.message.sharing.test_shared_numbers import (
    ADULT,
    FLU,
    HOME,
    change,
    fates,
    staged,
)
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import make_ledger
from tests.main_job import Practice, nhs

TOLD = (states.SUPPRESSED, states.ONE_MESSAGE)
PENDING = (states.PENDING, None)


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    return Practice(sqlite_record, clock, tmp_path)


@pytest.fixture
def either(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """The same on both databases."""
    return Practice(record, clock, tmp_path)


def family(practice: Practice, count: int = 2) -> int:
    """A campaign to adults who share a number, released and not sent."""
    home(practice, count)
    number = staged(practice, FLU, count)
    practice.send(number, 0)
    return number


def home(practice: Practice, count: int) -> None:
    for n in range(1, count + 1):
        practice.patient(n, birth_date=ADULT, mobile=HOME)


def send(practice: Practice, number: int, gateway: FakeGateway, **timing: object) -> None:
    """What can be sent now, and no more."""
    timing = {"contact": practice.settings.contact} | timing
    ledger = make_ledger(
        practice.record, practice.clock, practice.folder, settings=practice.settings,
        timing=Timing(phones=practice.settings.phones, **timing),  # type: ignore[arg-type]
    )  # fmt: skip
    deliver(ledger, gateway, number, 1, 1, patience=timedelta())


def dies(practice: Practice, n: int) -> None:
    with practice.record.write() as connection:
        values = {"death_date": date(2026, 3, 1), "version": 2}
        connection.execute(sa.update(patient).where(patient.c.id == n).values(**values))


@pytest.mark.parametrize("word", ["busy", "refused"])
def test_nobody_is_lost_where_the_one_who_tells_them_dies_before_it_left(
    practice: Practice, word: str
) -> None:
    """NEW-27: the gateway took nothing at first; what was to tell both never leaves."""
    number = family(practice)
    send(practice, number, FakeGateway(plan=[word]))
    assert fates(practice) == {1: PENDING, 2: PENDING}
    dies(practice, 1)
    practice.clock.sleep(60)
    send(practice, number, gateway := FakeGateway())
    assert fates(practice) == {1: (states.SUPPRESSED, "patient_dead"), 2: (states.ACCEPTED, None)}
    assert gateway.received == {practice.message_base(number) + 3: 1}


def test_whoever_is_told_waits_for_the_pace_with_the_one_who_tells(practice: Practice) -> None:
    """NEW-27, NEW-4: the pace lets the first alone go; of the others nobody is told before it is their turn."""
    for n in range(1, 5):
        practice.patient(n, birth_date=ADULT, mobile=HOME if n > 2 else f"07400 30080{n}")
    number = staged(practice, FLU, 4)
    practice.send(number, 0)
    slow = Pacing(sms=Pace(per_hour=2))
    send(practice, number, FakeGateway(), pacing=slow)
    assert fates(practice) == {
        1: (states.ACCEPTED, None), 2: (states.ACCEPTED, None), 3: PENDING, 4: PENDING,
    }  # fmt: skip
    dies(practice, 3)
    practice.clock.sleep(7200)
    send(practice, number, FakeGateway(), pacing=slow)
    assert fates(practice)[4] == (states.ACCEPTED, None)


def test_the_next_of_a_number_is_sent_where_the_first_was_refused(practice: Practice) -> None:
    """NEW-27: refused by the gateway is not told; a family of three has three tries, and three outcomes."""
    number = family(practice, 3)
    send(practice, number, FakeGateway(plan=["reject"]))
    assert fates(practice) == {
        1: (states.REJECTED, "number-barred"), 2: (states.ACCEPTED, None), 3: TOLD,
    }  # fmt: skip


def test_it_is_known_at_once_that_they_are_told(either: Practice) -> None:
    """NEW-27: a campaign that is cancelled after the answer, or while it is awaited, told both."""
    number = family(either)
    send(either, number, FakeGateway("R", plan=["cut"]))
    assert fates(either) == {1: PENDING, 2: PENDING}
    cancel(either.record, either.clock, number, by="nia", reason="wrong")
    assert fates(either) == {1: PENDING, 2: PENDING}
    either.clock.sleep(3600)
    settle_cancelled(either.record, either.clock.now())
    assert fates(either) == {1: (states.UNKNOWN, "no_answer"), 2: TOLD}
    with either.record.read() as connection:
        assert count_outcomes(connection, number) == {"unknown": 2}


def test_who_was_to_be_told_is_cancelled_with_the_one_that_tells(practice: Practice) -> None:
    """NEW-27: nothing left of a cancelled campaign: neither of them had it."""
    number = family(practice)
    send(practice, number, FakeGateway(plan=["refused"]))
    cancel(practice.record, practice.clock, number, by="nia", reason="wrong")
    assert {state for state, _ in fates(practice).values()} == {states.CANCELLED}


def test_a_replay_that_is_given_up_told_them_perhaps(practice: Practice) -> None:
    """NEW-27: its patient died since, so nobody asks again; who knows whether the number has it."""
    number = family(practice)
    send(practice, number, FakeGateway("R", plan=["cut"]))
    dies(practice, 1)
    practice.clock.sleep(60)
    send(practice, number, FakeGateway())
    assert fates(practice) == {1: (states.UNKNOWN, "no_answer"), 2: TOLD}


def test_what_a_lost_record_may_have_sent_told_them_perhaps(practice: Practice) -> None:
    """NEW-27: no receipt ever comes for who has no message of their own: they follow the one that has."""
    number = family(practice, 3)
    now = practice.clock.now()
    with practice.record.write() as connection:
        give_up_lost(
            connection, batch_id(number, 1), Doubt(now - timedelta(hours=1), now, "unknown"), now
        )
    assert fates(practice) == {1: (states.UNKNOWN, "set_back"), 2: TOLD, 3: TOLD}
    receipt(practice, number, "delivered")
    with practice.record.read() as connection:
        assert count_outcomes(connection, number) == {"told_together": 2, "delivered": 1}


def receipt(practice: Practice, number: int, said: str) -> None:
    row = practice.message_base(number) + 2
    told = Receipt("fake", f"r-{said}", row, said, "unknown-subscriber", "gone")  # type: ignore[arg-type]
    keep_receipts(practice.record, practice.clock, [told])
    apply_receipts(practice.record, practice.clock)


def test_whoever_was_told_by_a_message_that_failed_is_sent_it_again(either: Practice) -> None:
    """NEW-27, PAT-22: they have its outcome, on the record, in the list and in what is counted."""
    number = family(either, 3)
    send(either, number, FakeGateway())
    save_batches(either.record, either.clock, number, 1, 1)
    with either.record.read() as connection:
        assert count_outcomes(connection, number) == {"told_together": 2, "sent": 1}
        assert resendable(connection, number) == []
    receipt(either, number, "undelivered")
    with either.record.read() as connection:
        assert count_outcomes(connection, number) == {"undelivered": 3}
        assert resendable(connection, number) == [2, 3, 4]
        assert list(unlike_their_messages(connection)) == []
        failing = likely_to_fail("sms", sa.select(patient.c.id))
        assert {row[0] for row in connection.execute(failing)} == {1, 2, 3}
    rows = list(outcome_rows(either.record, number, only="errors"))
    assert {(row.code, row.detail) for row in rows} == {("undelivered", "gone")}
    assert [one.status for one in outreach_card(either.record, 2)] == ["Send Failed"]
    receipt(either, number, "delivered")
    with either.record.read() as connection:
        assert count_outcomes(connection, number) == {"told_together": 2, "delivered": 1}
        assert resendable(connection, number) == []


def test_a_message_that_tells_three_is_paid_once(practice: Practice) -> None:
    """NEW-27, PAT-21: wherever segments are counted."""
    number = family(practice, 3)
    assert show_campaign(practice.record, number).segments == 1
    assert summarize(practice.record, practice.clock, number).segments == 1
    send(practice, number, FakeGateway())
    assert show_campaign(practice.record, number).segments == 1


def meanwhile(
    practice: Practice, template: str, gateway: FakeGateway | None = None
) -> set[str | None]:
    """
    A campaign to the same patients that was checked before the first was sent; why each is left out of it
    once the first was, by its gateway.
    """
    home(practice, 3)
    practice.template(FLU, key="own")
    file = practice.file(*(nhs(n) for n in (3, 2, 1)), name="other.csv")
    second = practice.begin(file, template=template, request_key="second")
    practice.check(second)
    batches = practice.stage(second)
    first = staged(practice, "", 3)
    practice.send(first, 0)
    send(practice, first, gateway or FakeGateway())
    practice.clock.sleep(3600)
    release_campaign(
        practice.record, practice.clock, practice.settings, second, timing_of(practice.settings)
    )
    ledger = make_ledger(
        practice.record, practice.clock, practice.folder, settings=practice.settings,
        timing=Timing(phones=practice.settings.phones, contact=practice.settings.contact),
    )  # fmt: skip
    deliver(ledger, practice.gateway, second, 1, batches)
    with practice.record.read() as connection:
        query = sa.select(message.c.reason).where(message.c.campaign_id == second)
        return set(connection.scalars(query))


def test_who_was_told_together_had_it_lately(practice: Practice) -> None:
    """NEW-30, NEW-27: a list that was changed a little does not tell them twice."""
    change(practice, contact=Contact(most=0, same_days=14))
    assert meanwhile(practice, "own") == {"had_this_lately"}


def test_who_is_about_to_be_told_has_it_as_good_as_had(either: Practice) -> None:
    """NEW-30, NEW-27: nobody knows yet whether the one message left; it counts for all whom it tells."""
    change(either, contact=Contact(most=0, same_days=14))
    assert meanwhile(either, "own", FakeGateway("R", plan=["cut"])) == {"had_this_lately"}


def test_who_was_told_together_counts_for_the_cap(practice: Practice) -> None:
    """NEW-8, NEW-27: one a week, whoever's message it was."""
    change(practice, contact=Contact(most=1, days=7, same_days=0))
    assert meanwhile(practice, "plain") == {"recently_contacted"}


def test_who_tells_others_is_found_by_an_index(either: Practice) -> None:
    """NEW-27: of 100,000 rows each block would look through all that are staged before it."""
    said: list[tuple[str, object]] = []

    def hear(*words: object) -> None:
        said.append((str(words[2]), words[3]))

    home(either, 2)
    sa.event.listen(either.record.engine, "before_cursor_execute", hear)
    staged(either, FLU, 2)
    sa.event.remove(either.record.engine, "before_cursor_execute", hear)
    ((query, values),) = [one for one in said if "greeting = 'neutral'" in one[0]]
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}[either.record.dialect]
    with either.record.write() as connection:
        if either.record.dialect == "postgresql":  # a table this small it would rather read whole
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = connection.exec_driver_sql(explain + query, values)  # type: ignore[arg-type]
        assert "ix_message_neutral" in str(plan.all())
