"""Counts that add up to the rows, a verdict, and a run that fails when work is left."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.errors import Incomplete
from clinic.gateway.protocol import Outgoing
from clinic.message import states
from clinic.message.outcomes.summary import Summary, progress, summarize
from clinic.message.outcomes.verdict import status
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message
from clinic.settings import Gate
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.main_job import Practice, nhs


def summary_of(**outcomes: int) -> Summary:
    return Summary(
        campaign_id=7, state=states.COMPLETED, state_reason=None, gateway="http-sms",
        rows=sum(outcomes.values()), outcomes=outcomes, messages=0, segments=0, seconds=2.0, dry_run=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ({"sent": 5}, "OK"),
        ({"delivered": 5, "patient_dead": 1, "duplicate": 1, "opted_out": 2}, "OK"),
        ({"sent": 7, "phone_missing": 1, "variable_missing": 1, "phone_invalid": 1}, "OK"),
        ({"sent": 6, "phone_missing": 3, "variable_missing": 1}, "Error"),
        ({"sent": 2, "patient_dead": 8}, "OK"),
        ({"sent": 5, "rejected": 1}, "Error"),
        ({"sent": 5, "undelivered": 1}, "Error"),
        ({"sent": 5, "unknown": 1}, "Error"),
        ({}, "OK"),
    ],
)
def test_the_verdict_is_ok_if_everyone_who_was_to_be_messaged_was_reached(
    outcomes: dict[str, int], verdict: str
) -> None:
    """PAT-20: a message that failed is an error, and so are more faults of the list than are accepted."""
    assert summary_of(**outcomes).verdict == verdict


@pytest.mark.parametrize(("accepted", "verdict"), [(0.0, "Error"), (0.1, "Error"), (0.5, "OK")])
def test_how_many_faults_of_a_list_are_accepted_is_a_setting(accepted: float, verdict: str) -> None:
    """PAT-20"""
    one = summary_of(delivered=3, nhs_number_invalid=1, deselected=1)
    assert replace(one, accepted_errors=accepted).verdict == verdict


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ({"delivered": 1435, "patient_dead": 400, "phone_missing": 165}, "OK, 565 not accepted"),
        ({"delivered": 3}, "OK"),
        ({"delivered": 3, "undelivered": 1, "duplicate": 1}, "Error, 1 not accepted"),
    ],
)
def test_rows_that_were_not_accepted_stand_beside_the_verdict(
    outcomes: dict[str, int], status: str
) -> None:
    assert summary_of(**outcomes).status == status


@pytest.mark.parametrize("state", [states.SCHEDULED, states.RUNNING, states.PAUSED, states.MISSED])
def test_a_campaign_that_was_not_tried_whole_has_no_verdict(state: str) -> None:
    early = replace(summary_of(waiting=4, rejected=1, phone_missing=2), state=state)
    assert (early.verdict, early.status) == (state, state)


@pytest.mark.parametrize("code", ["waiting", "in_flight", "unknown"])
def test_a_run_that_leaves_work_or_doubt_fails_and_says_where_to_look(code: str) -> None:
    with pytest.raises(Incomplete, match="cohort show 7"):
        summary_of(sent=3, **{code: 1}).raise_if_incomplete()


def test_a_run_that_sent_all_there_was_does_not_fail() -> None:
    done = summary_of(sent=3, rejected=1, phone_missing=2)
    assert done.raise_if_incomplete() is done
    assert done.rate == 1.5


def test_a_campaign_that_took_no_time_has_no_rate() -> None:
    assert replace(summary_of(sent=3), seconds=0.0).rate == 0.0


def test_duration_rate_and_segments_are_counted_from_the_ledger(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(record, clock, tmp_path)
    practice.patients(3)
    practice.template("a" * 200, key="two-segments")
    number = practice.begin(practice.everybody(3), template="two-segments")
    practice.check(number)
    practice.send(number, practice.stage(number))
    clock.sleep(2)
    summary = summarize(record, clock, number)
    assert (summary.messages, summary.segments, summary.seconds, summary.rate) == (3, 6, 2.0, 1.5)
    clock.sleep(100)
    assert summarize(record, clock, number) == summary, "an ended campaign's time stands still"


def test_a_campaign_is_closed_only_when_all_of_it_was_tried(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(record, clock, tmp_path)
    practice.settings = practice.settings.model_copy(update={"batch_size": 2})
    practice.patients(4)
    number = practice.begin(practice.everybody(4))
    practice.check(number)
    practice.stage(number)
    practice.send(number, 1)
    half = summarize(record, clock, number)
    assert (half.state, half.outcomes) == (states.RUNNING, {"sent": 2, "waiting": 2})
    assert progress(record, number).remaining == 2
    practice.send(number, 2)
    whole = summarize(record, clock, number)
    assert (whole.state, whole.outcomes, whole.verdict) == (states.COMPLETED, {"sent": 4}, "OK")


# --- any mixture of rows ---------------------------------------------------------------------------

_ROWS = st.sampled_from(
    [
        *(nhs(n) + "," for n in range(1, 9)),
        nhs(1) + ",07700900777", nhs(2) + ",020 7946 0000", nhs(3) + ",0770O900123",
        nhs(160) + ",", "9990000019,", ",07700900123", nhs(1), nhs(1) + ",a,b", "x,y",
    ]
)  # fmt: skip


@pytest.fixture
def practice_of_eight(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Patients 1 to 3 are well, 4 has died, 5 opted out, 6 has no number, 7 left, 8 has no title."""
    practice = Practice(sqlite_record, clock, tmp_path)
    gate = Gate(errors=1, not_found=1, birth_date_differs=1, dead=1)
    practice.settings = practice.settings.model_copy(update={"batch_size": 2, "gate": gate})
    practice.template("Dear {{ patient.title }}", key="dear")
    for n in (1, 2, 3, 5):
        practice.patient(n, title="Dr")
    practice.patient(4, title="Dr", death_date=date(2020, 1, 1))
    practice.patient(6, title="Dr", mobile=None)
    practice.patient(7, title="Dr", deregistered_on=date(2020, 1, 1))
    practice.patient(8)
    practice.decides(5, "opt_out")
    return practice


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    # The campaigns of all examples share one record, as a practice's campaigns do
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(_ROWS, min_size=1, max_size=25),
    plan=st.lists(st.sampled_from(["ok", "busy", "cut", "half", "reject"]), max_size=4),
    block=st.integers(1, 6),
)
def test_whatever_is_listed_every_row_ends_with_exactly_one_outcome(
    practice_of_eight: Practice, rows: list[str], plan: list[str], block: int
) -> None:
    """NEW-6: outcomes add up to the rows; checking and staging twice changes nothing; nobody twice."""
    practice = practice_of_eight
    practice.gateway = gateway = FakeGateway(plan=plan)
    path = practice.file(*rows, heading="NHS Number,Mobile")
    key = f"example {practice.count(campaign)}"
    number = practice.begin(path, template="dear", request_key=key, again=True)

    practice.check(number, block_rows=block)
    outcomes = practice.outcomes(number)
    batches = practice.stage(number, block_rows=block)
    staged = practice.count(message)
    practice.check(number, block_rows=block)
    assert practice.stage(number, block_rows=block) == batches
    assert (practice.outcomes(number), practice.count(message)) == (outcomes, staged)
    assert list(outcomes) == list(range(2, len(rows) + 2))

    practice.send(number, batches)
    summary = summarize(practice.record, practice.clock, number)
    assert sum(summary.outcomes.values()) == summary.rows == len(outcomes)
    assert max(gateway.received.values(), default=1) == 1


def test_a_full_batch_is_sent_within_the_hour_although_the_gateway_is_often_busy(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ARC-7: a batch of 1,000, sent asynchronously, is through within 60 minutes."""
    add_patients(sqlite_record, 1000)
    number = add_campaign(sqlite_record, clock, 1000)
    started = clock.now()
    gateway = FakeGateway(plan=["busy", "refused", "busy", "cut", "busy"])
    deliver(make_ledger(sqlite_record, clock, tmp_path), gateway, number, 1, 1)
    assert len(gateway.received) == 1000
    assert summarize(sqlite_record, clock, number).outcomes == {"sent": 1000}
    assert clock.now() - started < timedelta(hours=1)


def test_what_leaves_has_nothing_that_a_patient_could_reply_to() -> None:
    """ACX-8: plain messages are one-way: a reference, who and where, a text, and no sender's mailbox."""
    names = [field.name for field in fields(Outgoing)]
    assert names == ["reference", "to", "body", "subject", "nhs_number"]


@pytest.mark.parametrize(
    ("says", "left_out", "told"),
    [
        ("OK", 4, "OK, 4 not accepted, kept in the outbox, not sent"),
        ("running", 0, "running, kept in the outbox, not sent"),
        ("scheduled", 0, "scheduled, for the outbox, not to be sent"),
        ("checking", 0, "checking, for the outbox, not to be sent"),
        ("refused", 9, "refused"),
        ("missed", 9, "missed"),
    ],
)
def test_only_what_is_there_is_said_to_be_kept_in_the_outbox(
    says: str, left_out: int, told: str
) -> None:
    """A campaign that was refused, or has not begun, has nothing there."""
    assert status(says, left_out, kept=True) == told
