"""NEW-24: the list's numbers and names are held against the record's; a column that slipped stops it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused
from clinic.message.eligibility.names import unlike_names
from clinic.message.prepare.list_numbers import Difference, read_differences, take_over
from clinic.message.prepare.review import review_campaign
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.messages import recipient
from clinic.record.schema.people import patient
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs, tally

HEADING = "NHS Number,Mobile,First Name,Surname,Clinic"
GIVEN = ("Ann", "Bronwen", "Ceri", "Dilys", "Elin", "Farid", "Gwen", "Huw")
FAMILY = (
    "Jones",
    "Pugh",
    "Rees",
    "Okafor",
    "Bevan",
    "Khan",
    "Tudor",
    "Lloyd",
    "Morgan",
    "Singh",
    "Wynne",
)
MANY = 60

Cells = list[str]


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(sqlite_record, clock, tmp_path)
    for n in range(1, MANY + 1):
        made.patient(n, given_name=GIVEN[n % 8], family_name=FAMILY[n % 11], postcode=f"CF{n} 1AA")
    return made


def honest(n: int) -> Cells:
    return [nhs(n), f"07700 900{n:03}", GIVEN[n % 8], FAMILY[n % 11], f"Room {n}"]


def listed(practice: Practice, change: Callable[[int, Cells], None], **request: object) -> int:
    rows = [honest(n) for n in range(1, MANY + 1)]
    for place, row in enumerate(rows):
        change(place, row)
    path = practice.file(*(",".join(row) for row in rows), heading=HEADING)
    return practice.begin(path, **request)


def sorted_apart(column: int) -> Callable[[int, Cells], None]:
    """Every row has the cell of the row 17 below it."""
    return lambda place, row: row.__setitem__(column, honest((place + 17) % MANY + 1)[column])


def new_numbers(every: int) -> Callable[[int, Cells], None]:
    def change(place: int, row: Cells) -> None:
        if place % every == 0:
            row[1] = f"07700 900{place + 700}"

    return change


def test_a_mobile_column_sorted_by_itself_stops_the_list(practice: Practice) -> None:
    number = listed(practice, sorted_apart(1))
    with pytest.raises(CohortRefused, match="another patient's on the record"):
        practice.check(number)
    assert tally(practice.outcomes(number)) == {"number_of_another": MANY}


def test_names_that_slipped_against_ids_stop_the_list(practice: Practice) -> None:
    def both(place: int, row: Cells) -> None:
        sorted_apart(2)(place, row)
        sorted_apart(3)(place, row)

    with pytest.raises(CohortRefused, match="names unlike the patient's"):
        practice.check(listed(practice, both))


def test_a_named_person_may_let_it_pass_and_the_rows_stay_out(practice: Practice) -> None:
    number = listed(
        practice, sorted_apart(1), override_gate="Ids and numbers looked up", requested_by="nia"
    )
    practice.check(number)
    assert tally(practice.outcomes(number)) == {"number_of_another": MANY}


def test_an_honest_list_with_newer_numbers_passes_and_the_record_s_are_used(
    practice: Practice,
) -> None:
    """5% newer numbers: counted, three shown by their last digits, no question beside the usual one."""
    number = listed(practice, new_numbers(20))
    assert practice.check(number).outcome == "warn"
    practice.stage(number)
    review = review_campaign(practice.record, number, segment_cost=0)
    assert (review.accepted, review.warnings) == (MANY, ())
    assert review.differences == (
        Difference(2, "…700", "…001"),
        Difference(22, "…720", "…021"),
        Difference(42, "…740", "…041"),
    )
    assert [(one.code, one.count) for one in review.said] == [("number_differs", 3)]
    with practice.record.read() as connection:
        sent_to = set(connection.scalars(sa.select(recipient.c.address)))
    assert sent_to == {f"+447700900{n:03}" for n in range(1, MANY + 1)}


def test_the_list_s_numbers_are_taken_over_once_and_not_over_a_newer_one(
    practice: Practice,
) -> None:
    number = listed(practice, new_numbers(20))
    practice.check(number)
    with practice.record.write() as connection:  # somebody at the desk was told another one since
        connection.execute(
            sa.update(patient)
            .where(patient.c.id == 21)
            .values(mobile="07700900888", version=patient.c.version + 1)
        )
    for written in (2, 0):
        assert (
            take_over(practice.record, practice.clock, number, practice.settings.phones, by="nia")
            == written
        )
    with practice.record.read() as connection:
        query = sa.select(patient.c.mobile).where(patient.c.id.in_((1, 21, 41)))
        assert connection.scalars(query.order_by(patient.c.id)).all() == [
            "07700 900700", "07700900888", "07700 900740",
        ]  # fmt: skip
        acts = sa.select(audit_act.c.patients_affected).where(
            audit_act.c.operation_type == "list.numbers-taken-over"
        )
        assert connection.scalars(acts).all() == [2]
    assert [one.recorded for one in read_differences(practice.record, number)] == [
        "…700", "…888", "…740",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("others", "outcome"),
    [
        ({}, "number_of_another"),
        ({"postcode": "CF1 1AA", "family_name": FAMILY[1]}, "accepted"),
        ({"postcode": "CF1 1AA"}, "number_of_another"),
        ({"mobile": "0044 7700 900002"}, "number_of_another"),
        ({"deregistered_on": "gone"}, "accepted"),
        ({"mobile": "07700 900999"}, "accepted"),
    ],
)
def test_a_family_s_number_is_not_a_stranger_s(
    practice: Practice, clock: FakeClock, others: dict[str, object], outcome: str
) -> None:
    """The first patient's row has the number of the second, who is what `others` says."""
    if "deregistered_on" in others:
        others = {"deregistered_on": clock.now().date()}
    with practice.record.write() as connection:
        connection.execute(
            sa.update(patient).where(patient.c.id == 2).values({"title": "Mx", **others})
        )
    path = practice.file(f"{nhs(1)},07700900002", heading="NHS Number,Mobile")
    assert practice.judge(path)[2].split(" (")[0] == outcome


def test_one_row_alone_stops_no_list_and_two_of_many_do(practice: Practice) -> None:
    """At most 2% may; of 60 rows that is one."""

    def strangers(count: int) -> Callable[[int, Cells], None]:
        return lambda place, row: sorted_apart(1)(place, row) if place < count else None

    number = listed(practice, strangers(1))
    practice.check(number)
    assert tally(practice.outcomes(number)) == {"number_of_another": 1, "accepted": MANY - 1}
    with pytest.raises(CohortRefused):
        practice.check(listed(practice, strangers(2), request_key="two", again=True))


def test_e_mail_addresses_are_held_against_the_record_too(practice: Practice) -> None:
    rows = [f"{nhs(n)},P{n % 30 + 1}@Example.org" for n in range(1, 31)]
    number = practice.begin(practice.file(*rows, heading="NHS Number,Email"), channel="email")
    with pytest.raises(CohortRefused, match="number or address that is another patient's"):
        practice.check(number)


@pytest.mark.parametrize(
    ("heading", "row", "stops"),
    [
        ("NHS Number,Clinic", "{nhs},Monday", True),
        ("NHS Number,Clinic,Surname", "{nhs},Monday,{family}", False),
        ("NHS Number,Clinic,Patient Name", '{nhs},Monday,"{family}, {given}"', False),
    ],
)
def test_what_a_list_prints_needs_a_name_or_a_birth_date_beside_it(
    practice: Practice, heading: str, row: str, stops: bool
) -> None:
    practice.template("Come to {{ list.Clinic }}.", key="clinic")
    rows = [row.format(nhs=nhs(n), family=FAMILY[n % 11], given=GIVEN[n % 8]) for n in (1, 2, 3)]
    number = practice.begin(practice.file(*rows, heading=heading), template="clinic")
    if stops:
        with pytest.raises(CohortRefused, match="neither dates of birth nor names"):
            practice.check(number)
    else:
        practice.check(number)
        assert tally(practice.outcomes(number)) == {"accepted": 3}


ALIKE = [
    ("Siân Llwyd", "Sian", "LLWYD"),
    ("LLWYD, Siân (Ms)", "Sian", "Llwyd"),
    ("A Evans", "Ann", "Jones"),  # married, and an initial
    ("Ann Evans", "Ann", "Jones"),
    ("Peggy Jones", "Margaret", "Jones"),
    ("Jon Smyth", "John", "Smith"),
    ("Alex Morgan", "Alexandra", "Pugh"),
    ("D. O’Brien", "Declan", "O'Brien"),
    ("Smith-Jones", "Ann", "Smith"),
    ("", "Ann", "Jones"),
    ("Ann Jones", "", ""),
]
UNLIKE = [
    ("Bronwen Pugh", "Ann", "Jones"),
    ("J Smith", "Ann", "Jones"),
    ("Mrs Okafor", "Huw", "Rees"),
]


@pytest.mark.parametrize(
    ("name", "given", "family", "unlike"),
    [(*one, False) for one in ALIKE] + [(*one, True) for one in UNLIKE],
)
def test_who_is_alike(name: str, given: str, family: str, unlike: bool) -> None:
    import pandas as pd

    known = pd.DataFrame({"given_name": [given], "family_name": [family]}, dtype="str")
    assert unlike_names({"full_name": pd.Series([name], dtype="str")}, known).tolist() == [unlike]
