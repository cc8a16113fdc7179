"""Every row of a list ends with exactly one outcome, and a list as a whole is fit to act on or refused."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.cohort.import_list import take_in_ids
from clinic.errors import CohortRefused, FenceLost, TemplateRefused
from clinic.message import states
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, check_result, message, recipient
from clinic.record.schema.people import appointment, group_member, patient_group
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs, tally

WRONG = "9990000019"  # a wrong check digit
STRANGER = nhs(150)  # valid, and nobody's here


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    return Practice(record, clock, tmp_path)


def organisation(practice: Practice, **changes: object) -> None:
    own = practice.settings.organisation.model_copy(update=changes)
    practice.settings = practice.settings.model_copy(update={"organisation": own})


def state_of(practice: Practice, number: int = 1) -> tuple[str, str | None]:
    with practice.record.read() as connection:
        row = connection.execute(
            sa.select(campaign.c.state, campaign.c.state_reason).where(campaign.c.id == number)
        ).one()
    return row[0], row[1]


# --- who is meant ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "outcome", "why"),
    [
        (f"{nhs(1)},", "accepted", "by NHS number"),
        (f"{nhs(1)[:3]} {nhs(1)[3:6]} {nhs(1)[6:]},", "accepted", "as it is printed"),
        (",E1", "accepted", "by the practice's own id"),
        (f"{nhs(1)},E1", "accepted", "both mean the same patient"),
        (f"{nhs(1)},E2", "ids_contradict", "two ids that mean two patients mean nobody"),
        (f"{STRANGER},E2", "ids_contradict", "another's NHS number beside the practice's own id"),
        (f"{WRONG},E1", "nhs_number_invalid", "somebody slipped: not saved by the other id"),
        (f"{STRANGER},", "patient_not_found", "nobody here has it"),
        (f"{nhs(1)},E99", "accepted", "an own id that nobody has says nothing"),
        ("-,x", "patient_not_found", "a dash stands for an empty cell"),
    ],
)
def test_a_row_means_one_patient_or_nobody(
    practice: Practice, row: str, outcome: str, why: str
) -> None:
    practice.patients(2)
    path = practice.file(row, heading="NHS Number,Local ID")
    assert practice.judge(path) == {2: outcome}, why


def test_pasted_ids_may_be_nhs_numbers_or_own_ids(practice: Practice) -> None:
    practice.patients(3)
    list_id = take_in_ids(
        practice.record, practice.clock, [nhs(1), "E2", "E77", nhs(1)],
        request_key="pasted", name="Pasted", taken_by="nia",
    )  # fmt: skip
    assert practice.judge({"list_id": list_id}) == {
        1: "accepted", 2: "accepted", 3: "patient_not_found", 4: "duplicate (row 1)",
    }  # fmt: skip


def test_a_group_is_checked_as_a_list_is(practice: Practice) -> None:
    """COM-11, ARC-3: the batch holds exactly the group's members, and each has an outcome."""
    practice.patients(3)
    practice.patient(4, death_date=date(2026, 1, 1))
    with practice.record.write() as connection:
        connection.execute(sa.insert(patient_group).values(id=1, code="mothers", name="Mothers"))
        connection.execute(
            sa.insert(group_member), [{"group_id": 1, "patient_id": n} for n in (1, 3, 4)]
        )
    assert tally(practice.judge({"group": "mothers"})) == {"accepted": 2, "patient_dead": 1}


# --- date of birth ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ("1980-04-03", "accepted"),
        ("3 April 1980", "accepted"),
        ("1980-04-04", "birth_date_differs"),
        ("", "birth_date_missing"),
        ("31/02/1980", "birth_date_invalid"),
        ("03/04/1980", "birth_date_invalid"),  # 3 April or 4 March: not guessed
        ("29586", "birth_date_invalid"),
    ],
)
def test_a_date_of_birth_must_be_this_patients(
    practice: Practice, given: str, outcome: str
) -> None:
    practice.patient(1, birth_date=date(1980, 4, 3))
    path = practice.file(f"{nhs(1)},{given}", heading="NHS Number,DOB")
    assert practice.judge(path) == {2: outcome}


def test_one_date_of_the_column_tells_how_all_of_it_is_written(practice: Practice) -> None:
    practice.patient(1, birth_date=date(1980, 4, 3))
    practice.patient(2, birth_date=date(1980, 12, 25))
    rows = (f"{nhs(1)},03/04/1980", f"{nhs(2)},25/12/1980")
    assert tally(practice.judge(practice.file(*rows, heading="NHS Number,DOB"))) == {"accepted": 2}


def test_a_patient_without_a_date_of_birth_agrees_with_any(practice: Practice) -> None:
    practice.patient(1, birth_date=None)
    path = practice.file(f"{nhs(1)},1980-04-03", heading="NHS Number,DOB")
    assert practice.judge(path) == {2: "accepted"}


# --- may they be messaged --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ({"death_date": date(2020, 1, 1)}, "patient_dead"),
        ({"fictitious": True}, "patient_fictitious"),
        ({"deregistered_on": date(2026, 3, 2)}, "patient_deregistered"),
        ({"deregistered_on": date(2026, 3, 3)}, "accepted"),
        ({"status": "discharged"}, "status_not_messaged"),
        ({"status": "on_hold"}, "accepted"),
        ({"preferred_channel": "none"}, "no_contact"),
        ({"preferred_channel": "email"}, "prefers_other"),
        ({"mobile": None}, "phone_missing (missing)"),
        ({"mobile": "020 7946 0000"}, "phone_not_mobile (landline)"),
        ({"mobile": "0770O900123"}, "phone_invalid (letters)"),
        ({"mobile": "077009001"}, "phone_invalid (too_short)"),
        ({"mobile": "+33 6 12 34 56 78"}, "phone_not_allowed (unsupported_country)"),
    ],
)
def test_who_may_not_be_messaged_is_left_out_with_the_reason(
    practice: Practice, values: dict[str, object], outcome: str
) -> None:
    """ARC-10, ARC-12, ARC-13, COM-12: and a number's fault says which kind, never the number."""
    practice.patient(1, **values)
    assert practice.judge(practice.everybody(1)) == {2: outcome}


@pytest.mark.parametrize(
    ("decisions", "outcome"),
    [
        ([("opt_out", "sms", 1)], "opted_out"),
        ([("opt_out", "any", 1)], "opted_out"),
        ([("opt_out", "email", 1)], "accepted"),
        ([("opt_out", "sms", 2), ("opt_in", "sms", 1)], "accepted"),
        ([("opt_in", "sms", 2), ("opt_out", "sms", 1)], "opted_out"),
        ([("opt_in", "sms", 1), ("opt_out", "sms", 2)], "accepted"),
        ([("opt_out", "sms", 1), ("opt_in", "sms", 1)], "accepted"),  # the one noted later
        ([], "accepted"),
    ],
)
def test_the_latest_decision_of_a_channel_counts(
    practice: Practice, decisions: list[tuple[str, str, int]], outcome: str
) -> None:
    """ARC-11, ACX-23: the system itself leaves out whoever declined texts."""
    practice.patient(1)
    for decision, channel, days_ago in decisions:
        practice.decides(1, decision, channel=channel, days_ago=days_ago)
    assert practice.judge(practice.everybody(1)) == {2: outcome}


@pytest.mark.parametrize(
    ("address_from", "listed", "address"),
    [
        ("list", "07700900777", "+447700900777"),
        ("list", "", "+447700900001"),
        ("record", "07700900777", "+447700900001"),
    ],
)
def test_whose_number_counts_is_a_setting(
    practice: Practice, address_from: str, listed: str, address: str
) -> None:
    organisation(practice, address_from=address_from)
    practice.patient(1)
    practice.judge(practice.file(f"{nhs(1)},{listed}", heading="NHS Number,Mobile"))
    with practice.record.read() as connection:
        assert connection.scalar(sa.select(recipient.c.address)) == address


def test_where_the_record_has_no_number_the_lists_is_used(practice: Practice) -> None:
    organisation(practice, address_from="record")
    practice.patient(1, mobile=None)
    path = practice.file(f"{nhs(1)},07700900777", heading="NHS Number,Mobile")
    assert practice.judge(path) == {2: "accepted"}


def test_an_email_campaign_judges_email_addresses(practice: Practice) -> None:
    """PAT-12, PAT-1: the channel is chosen per message, and a landline does not mind."""
    practice.patient(1, mobile="020 7946 0000")
    practice.patient(2, email="")
    practice.patient(3, email="no address")
    assert practice.judge(practice.everybody(3), channel="email") == {
        2: "accepted", 3: "email_missing", 4: "email_invalid",
    }  # fmt: skip


# --- twice in the list -----------------------------------------------------------------------------


def test_a_patient_listed_twice_gets_one_message_and_both_rows_an_outcome(
    practice: Practice,
) -> None:
    practice.patients(2)
    path = practice.file(nhs(1), nhs(2), nhs(1), nhs(1))
    assert practice.judge(path) == {
        2: "accepted", 3: "accepted", 4: "duplicate (row 2)", 5: "duplicate (row 2)",
    }  # fmt: skip


def test_a_row_with_a_fault_of_its_own_does_not_take_a_good_one_with_it(
    practice: Practice,
) -> None:
    organisation(practice, address_from="list")
    practice.patients(1)
    path = practice.file(
        f"{nhs(1)},020 7946 0000", f"{nhs(1)},", f"{nhs(1)},", heading="NHS Number,Mobile"
    )
    assert practice.judge(path) == {
        2: "phone_not_mobile (landline)", 3: "accepted", 4: "duplicate (row 3)",
    }  # fmt: skip


def test_the_blocks_that_a_list_is_read_in_make_no_difference(practice: Practice) -> None:
    """Duplicates inside a block and across blocks; the checks and the gate see the same."""
    practice.patients(5)
    path = practice.file(*(nhs(n) for n in (1, 2, 1, 3, 2, 4, 5, 5, 1)))
    expected = {
        2: "accepted", 3: "accepted", 4: "duplicate (row 2)", 5: "accepted",
        6: "duplicate (row 3)", 7: "accepted", 8: "accepted", 9: "duplicate (row 8)",
        10: "duplicate (row 2)",
    }  # fmt: skip
    for size in (1, 2, 3, 100):
        number = practice.begin(path, request_key=f"in blocks of {size}", again=True)
        practice.check(number, block_rows=size)
        assert practice.outcomes(number) == expected, size


# --- not in the record (ACX-21) --------------------------------------------------------------------

UNREGISTERED = "NHS Number,Mobile,Date of Birth,Given Name"


def test_unregistered_people_are_messaged_once_where_the_setting_says_so(
    practice: Practice,
) -> None:
    """ACX-21: with NHS number, number and date of birth; one message each, nothing on any record."""
    organisation(practice, message_unregistered=True)
    row = f"{STRANGER},07700900555,1980-04-03,Siân"
    path = practice.file(row, row, f"{nhs(151)},,1980-04-03,Ann", heading=UNREGISTERED)
    practice.template("Dear {{ patient.given_name }}")
    number = practice.begin(path)
    summary = practice.finish(number)
    assert practice.outcomes(number) == {
        2: "accepted", 3: "duplicate (row 2)", 4: "phone_missing (missing)",
    }  # fmt: skip
    assert summary.outcomes == {"sent": 1, "duplicate": 1, "phone_missing": 1}
    assert practice.items() == []
    with practice.record.read() as connection:
        assert connection.scalar(sa.select(message.c.body)) == "Dear Siân"


def test_unregistered_people_are_not_messaged_without_the_setting(practice: Practice) -> None:
    """ACX-21 is a setting, and off unless switched on."""
    path = practice.file(f"{STRANGER},07700900555,1980-04-03,Siân", heading=UNREGISTERED)
    assert practice.judge(path) == {2: "patient_not_found"}


@pytest.mark.parametrize(
    ("heading", "row", "outcome", "why"),
    [
        ("NHS Number,Mobile", f"{STRANGER},07700900555", "patient_not_found", "no date of birth"),
        ("NHS Number,DOB", f"{STRANGER},1980-04-03", "patient_not_found", "no number"),
        (
            "NHS Number,Local ID,Mobile,DOB",
            ",E99,07700900555,1980-04-03",
            "patient_not_found",
            "without an NHS number nobody can tell whether they are on the list twice",
        ),
        (
            "NHS Number,Local ID,Mobile,DOB",
            f"{nhs(1)},E2,07700900555,1980-04-03",
            "ids_contradict",
            "two ids of two patients, one of whom is dead, are no unregistered person",
        ),
        (
            "NHS Number,Local ID,Mobile,DOB",
            f"{STRANGER},E2,07700900555,1980-04-03",
            "ids_contradict",
            "the practice's own id means somebody with another NHS number",
        ),
        ("NHS Number,Mobile,DOB", f"{STRANGER},07700900555,", "birth_date_missing", "left empty"),
    ],
)
def test_only_who_is_surely_unregistered_is_messaged_as_such(
    practice: Practice, heading: str, row: str, outcome: str, why: str
) -> None:
    """ACX-21: NHS number, mobile and date of birth are needed, and no id may speak of a patient."""
    organisation(practice, message_unregistered=True)
    practice.patient(1, death_date=date(2020, 1, 1))
    practice.patient(2)
    assert practice.judge(practice.file(row, heading=heading)) == {2: outcome}, why


# --- what the template needs -----------------------------------------------------------------------


def test_who_lacks_a_value_that_the_template_needs_is_not_sent_to(practice: Practice) -> None:
    """ARC-9: the row says which; the rest of the list goes."""
    practice.template("Dear {{ patient.title }} {{ list.Clinic }}", key="clinic")
    practice.patient(1, title="Mrs")
    practice.patient(2)
    practice.patient(3, title="  ")
    path = practice.file(
        *(f"{nhs(n)},{day},Family" for n, day in ((1, "Monday"), (2, "Monday"), (3, "Monday"), (1, " "))),
        heading="NHS Number,Clinic,Surname",
    )  # fmt: skip
    assert practice.judge(path, template="clinic") == {
        2: "accepted",
        3: "variable_missing (patient.title)",
        4: "variable_missing (patient.title)",
        5: "variable_missing (list.Clinic)",
    }


def test_a_column_that_the_list_does_not_have_is_named_before_anything_happens(
    practice: Practice,
) -> None:
    practice.template("See you on {{ list.Clinic }}", key="clinic")
    practice.patients(1)
    number = practice.begin(practice.everybody(1), template="clinic")
    with pytest.raises(TemplateRefused, match="template-variable"):
        practice.check(number)
    assert practice.count(recipient) == 0


# --- the list as a whole ---------------------------------------------------------------------------


def wrong_list(practice: Practice) -> Path:
    practice.patients(2)
    return practice.file(nhs(1), nhs(2), *[WRONG] * 20)


def test_a_list_that_the_gate_stops_is_refused_whole_and_every_row_says_so(
    practice: Practice,
) -> None:
    number = practice.begin(wrong_list(practice))
    with pytest.raises(CohortRefused, match="list-refused") as refusal:
        practice.check(number)
    assert "20 of 22" in refusal.value.says
    assert tally(practice.outcomes()) == {"list_refused": 2, "nhs_number_invalid": 20}
    assert state_of(practice) == (states.REFUSED, "list-refused")
    assert practice.count(check_result) == 1


def test_a_refused_list_stays_refused_however_often_it_is_run(practice: Practice) -> None:
    number = practice.begin(wrong_list(practice))
    for _ in range(3):
        with pytest.raises(CohortRefused, match="list-refused"):
            practice.check(number)
    assert practice.stage(number) == 0
    assert practice.count(message) == 0
    assert practice.count(check_result) == 1


def test_a_list_without_the_layouts_columns_is_refused_before_a_row_is_judged(
    practice: Practice,
) -> None:
    """ACX-18: the organisation's scheme was changed after the list had been taken in."""
    practice.patients(2)
    number = practice.begin(practice.everybody(2))
    organisation(practice, id_scheme="emis")
    for _ in range(2):
        with pytest.raises(CohortRefused, match="list-refused"):
            practice.check(number)
    assert practice.outcomes() == {2: "list_refused", 3: "list_refused"}


def test_over_the_cap_the_whole_request_is_refused_with_both_counts(practice: Practice) -> None:
    """PAT-2, ARC-14: with the cap at 3, 4 are refused as a whole; a row left out does not count."""
    practice.patients(4)
    practice.patient(5, mobile=None)
    organisation(practice, campaign_cap=3)
    number = practice.begin(practice.everybody(5))
    for _ in range(2):
        with pytest.raises(CohortRefused, match="over-cap"):
            practice.check(number)
    assert tally(practice.outcomes()) == {"over_cap": 4, "phone_missing (missing)": 1}
    assert state_of(practice) == (states.REFUSED, "over-cap")


def test_the_refusal_over_the_cap_names_both_counts(practice: Practice) -> None:
    practice.patients(4)
    organisation(practice, campaign_cap=3)
    with pytest.raises(CohortRefused, match="4 recipients, a campaign may have 3"):
        practice.check(practice.begin(practice.everybody(4)))


def test_as_many_as_the_cap_allows_may_go(practice: Practice) -> None:
    practice.patients(4)
    organisation(practice, campaign_cap=4)
    assert tally(practice.judge(practice.everybody(4))) == {"accepted": 4}


def test_raising_the_cap_later_does_not_revive_a_refused_campaign(practice: Practice) -> None:
    practice.patients(4)
    organisation(practice, campaign_cap=3)
    number = practice.begin(practice.everybody(4))
    with pytest.raises(CohortRefused, match="over-cap"):
        practice.check(number)
    organisation(practice, campaign_cap=10)
    with pytest.raises(CohortRefused, match="over-cap"):
        practice.check(number)
    # but the same list may be asked for again
    assert practice.run(practice.everybody(4), request_key="anew").outcomes == {"sent": 4}


# --- again, killed, at once ------------------------------------------------------------------------


def test_a_check_that_was_killed_begins_anew_and_one_that_ended_is_not_repeated(
    practice: Practice,
) -> None:
    practice.patients(4)
    number = practice.begin(practice.everybody(4))
    with practice.record.write() as connection:  # what a killed check has left
        connection.execute(
            sa.insert(recipient).values(campaign_id=number, row_number=2, outcome="patient_dead")
        )
        connection.execute(sa.update(campaign).values(checked_rows=2))
    verdict = practice.check(number)
    assert tally(practice.outcomes()) == {"accepted": 4}
    practice.decides(1, "opt_out")
    assert practice.check(number) == verdict
    assert tally(practice.outcomes()) == {"accepted": 4}, (
        "sending reads consent again, not the check"
    )


def test_two_runs_of_one_request_at_once_leave_every_row_with_one_outcome(
    practice: Practice,
) -> None:
    """One of them may fail, tidily; whoever ends has judged all rows."""
    practice.patients(30)
    number = practice.begin(practice.everybody(30))
    together = threading.Barrier(3)
    faults: list[Exception] = []

    def run() -> None:
        together.wait()
        try:
            practice.check(number, block_rows=3)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {type(fault) for fault in faults} <= {FenceLost}
    practice.check(number)
    assert tally(practice.outcomes()) == {"accepted": 30}


def test_an_appointment_that_is_over_is_none(practice: Practice) -> None:
    """ARC-9: the template uses the next appointment, and this patient has none."""
    practice.template("See you on {{ appointment.date|date('long') }}", key="visit")
    practice.patients(3)
    now = practice.clock.now()
    with practice.record.write() as connection:
        connection.execute(
            sa.insert(appointment),
            [
                {"patient_id": 1, "starts_at": now + timedelta(days=1), "status": "booked"},
                {"patient_id": 2, "starts_at": now - timedelta(days=1), "status": "booked"},
                {"patient_id": 3, "starts_at": now + timedelta(days=1), "status": "cancelled"},
            ],
        )
    assert practice.judge(practice.everybody(3), template="visit") == {
        2: "accepted",
        3: "variable_missing (appointment.date)",
        4: "variable_missing (appointment.date)",
    }
