"""Issue 18 (5), ACX-34, NEW-19: who is reached by another channel, and who never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.message import states
from clinic.message.safety.corrected import look_at
from clinic.record.database import Record
from tests.clinic.message.fallback.practices import HOURS, TwoWays
from tests.fakes import FakeClock


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> TwoWays:
    return TwoWays(record, clock, tmp_path)


# What became of the text, and whether an e-mail may follow
FATES = [
    (states.UNDELIVERED, "unknown_subscriber", True),
    (states.UNDELIVERED, "absent_subscriber", True),
    (states.UNDELIVERED, "expired", True),
    (states.UNDELIVERED, "settled_not_sent", True),
    (states.REJECTED, "number-barred", True),
    (states.EXHAUSTED, "tries_used_up", True),
    (states.SUPPRESSED, "phone_missing", True),
    (states.UNDELIVERED, "no_receipt", False),  # it may have come
    (states.UNDELIVERED, "duplicate_id", False),  # the gateway says that it has it
    (states.UNDELIVERED, "blacklisted", False),  # they said no
    (states.REJECTED, "opted_out", False),
    (states.UNKNOWN, "no_answer", False),
    (states.UNKNOWN, "set_back", False),
    (states.ACCEPTED, None, False),
    (states.DELIVERED, None, False),
    (states.PENDING, None, False),
    (states.SUPPRESSED, "opted_out", False),
    (states.SUPPRESSED, "patient_dead", False),
    (states.CANCELLED, None, False),
    (states.EXPIRED, "clinical_late", False),  # worth nothing any more
]


def test_only_what_is_proven_to_have_reached_nobody_is_sent_by_another_channel(
    practice: TwoWays,
) -> None:
    practice.patients(len(FATES))
    number = practice.first(practice.everybody(len(FATES)))
    for n, (state, reason, _) in enumerate(FATES, start=1):
        practice.fate(number, n, state, reason)
    assert practice.follow() == []  # not yet
    practice.later(HOURS)
    made = practice.follow()
    assert len(made) == 1
    wanted = {n for n, (_, _, may) in enumerate(FATES, start=1) if may}
    assert {key for key, by in practice.taken().items() if by == made[0]} == wanted
    practice.mail(made)
    assert practice.mailed() == dict.fromkeys(sorted(wanted), 1)
    assert practice.follow() == []


def test_who_has_no_mobile_is_reached_at_once_and_only_who_may_be(practice: TwoWays) -> None:
    """ACX-25: each channel's own rules; whom neither reaches is told of in the plan."""
    practice.patient(1)
    practice.patient(2, mobile=None)
    practice.patient(3, mobile="020 7946 0123")  # a landline
    practice.patient(4, mobile=None, email=None)
    practice.patient(5, mobile=None)
    practice.decides(5, "opt_out", channel="email")
    practice.patient(6, mobile=None)
    practice.decides(6, "opt_out")  # of texts: their no is not gone round
    practice.patient(7, email=None)
    number = practice.first(practice.everybody(7))
    plan = practice.plan(number)
    assert plan is not None
    assert (plan.at_once, plan.neither, plan.later) == (2, 2, 1)
    made = practice.follow()
    practice.mail(made)
    assert practice.mailed() == {2: 1, 3: 1}
    practice.later(HOURS)
    assert practice.follow() == []


def test_one_person_on_two_rows_is_one(practice: TwoWays) -> None:
    """The row with a number counts: nobody is texted and mailed."""
    practice.patient(1, mobile=None)
    rows = [f"{practice_number(1)},", f"{practice_number(1)},07700900001"]
    number = practice.first(practice.file(*rows, heading="NHS Number,Mobile"))
    plan = practice.plan(number)
    assert plan is not None
    assert (plan.at_once, plan.later) == (0, 1)
    assert practice.follow() == []


def practice_number(n: int) -> str:
    from tests.main_job import nhs

    return nhs(n)


@pytest.mark.parametrize("said", ["delivered", "accepted"])
def test_a_late_word_keeps_the_second_message_back(practice: TwoWays, said: str) -> None:
    """The receipt came after the campaign by e-mail was made, and before its messages left."""
    practice.patients(2)
    number = practice.first(practice.everybody(2))
    for n in (1, 2):
        practice.fate(number, n, states.REJECTED, "number-barred")
    practice.later(HOURS)
    made = practice.follow()
    practice.receipt(number, 1, said)
    practice.mail(made)
    assert practice.mailed() == {2: 1}
    assert practice.states(made[0])[1] == ("suppressed", "reached_meanwhile")


def test_an_opt_out_of_the_second_channel_is_asked_when_it_is_sent(practice: TwoWays) -> None:
    """ARC-11, NEW-5."""
    practice.patients(2)
    number = practice.first(practice.everybody(2))
    for n in (1, 2):
        practice.receipt(number, n, "undelivered", "unknown_subscriber")
    practice.later(HOURS)
    made = practice.follow()
    practice.decides(1, "opt_out", channel="email")
    practice.mail(made)
    assert practice.mailed() == {2: 1}


def test_what_failed_by_the_first_channel_is_no_contact_that_crowds_out_the_second(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-8: the cap counts messages of others."""
    practice = TwoWays(record, clock, tmp_path, contact={"most": 1, "days": 7})
    practice.patients(1)
    number = practice.first(practice.everybody(1))
    practice.receipt(number, 1, "undelivered", "unknown_subscriber")
    practice.later(HOURS)
    practice.mail(practice.follow())
    assert practice.mailed() == {1: 1}


def test_what_is_sent_again_by_text_is_not_mailed_nor_the_other_way_round(
    practice: TwoWays,
) -> None:
    """PAT-23: no row is taken by two campaigns."""
    from clinic.errors import NotAllowed
    from clinic.message.prepare.resend import begin_resend, resendable

    practice.patients(2)
    number = practice.first(practice.everybody(2))
    for n in (1, 2):
        practice.receipt(number, n, "undelivered", "absent_subscriber")
    ask = {"gateway": "fake", "batch_limit": 1000}
    begin_resend(
        practice.record, practice.clock, practice.settings, number, rows=[2], request_key="again", **ask
    )  # fmt: skip
    practice.later(HOURS)
    made = practice.follow()
    assert practice.taken() == {1: None, 2: made[0]}  # row 2 is patient 1
    with practice.record.read() as connection:
        assert resendable(connection, number) == []
    with pytest.raises(NotAllowed, match="resend-nothing"):
        begin_resend(
            practice.record, practice.clock, practice.settings, number, request_key="more", **ask
        )


def test_a_correction_goes_to_whom_the_channel_reached(practice: TwoWays) -> None:
    """Of a campaign by text not to addresses of e-mail; those are corrected with the campaign by e-mail."""
    practice.patients(2)
    number = practice.first(practice.everybody(2))
    practice.fate(number, 1, states.REJECTED, "number-barred")
    practice.later(HOURS)
    made = practice.follow()
    practice.mail(made)
    with practice.record.read() as connection:
        got = [look_at(connection, one).got for one in (number, *made)]
    assert got == [{"accepted": 1}, {"accepted": 1}]
    right = practice.begin({"corrects": number}, request_key="put right")
    practice.check(right)
    assert practice.outcomes(right) == {3: "accepted"}
