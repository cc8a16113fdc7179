"""Importing patients: added, brought up to date, told of; and it may be run again and be killed."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.cohort.files import open_list
from clinic.imports.options import Options
from clinic.imports.patients.columns import SAYS
from clinic.imports.patients.run import PatientsImported, import_patients
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.people import facility, patient, provider
from tests.fakes import FakeClock

HEADING = "EMIS Number,NHS Number,Title,Given Name,Family Name,Date of Birth,Mobile Telephone,E-mail Address"
SIAN = "1001,999 000 0018,Ms,Siân,Llwyd,31/12/1980,07700 900123,sian@example.org"
LLYR = "1002,999 000 0999,Mr,Llŷr,O'Brien,01/02/1950,,"


def run(record: Record, folder: Path, *rows: str, heading: str = HEADING) -> PatientsImported:
    path = folder / "patients.csv"
    path.write_text("\n".join((heading, *rows)) + "\n", encoding="utf-8")
    return import_patients(record, FakeClock(), open_list(path), Options(by="nia"))


def stored(record: Record, *, by: str = "local_id") -> dict[str | None, sa.Row[tuple[object, ...]]]:
    with record.read() as connection:
        return {getattr(row, by): row for row in connection.execute(sa.select(patient))}


def stored_rows(record: Record) -> list[sa.Row[tuple[object, ...]]]:
    return list(stored(record, by="nhs_number").values())


def test_new_patients_are_added_with_everything_the_file_says(
    record: Record, tmp_path: Path
) -> None:
    result = run(record, tmp_path, SIAN, LLYR)
    assert result.counts == {"added": 2}
    sian = stored(record)["1001"]
    assert (sian.nhs_number, sian.given_name, sian.family_name) == ("9990000018", "Siân", "Llwyd")
    assert (sian.birth_date, sian.mobile) == (date(1980, 12, 31), "07700 900123")
    assert (sian.version, sian.status) == (1, "active")


def test_the_same_file_again_changes_nothing(record: Record, tmp_path: Path) -> None:
    run(record, tmp_path, SIAN, LLYR)
    before = stored(record)
    assert run(record, tmp_path, SIAN, LLYR).counts == {"unchanged": 2}
    assert stored(record) == before


def test_changed_data_are_brought_up_to_date_and_the_version_goes_up(
    record: Record, tmp_path: Path
) -> None:
    run(record, tmp_path, SIAN, LLYR)
    result = run(record, tmp_path, SIAN.replace("900123", "900456"), LLYR)
    assert result.counts == {"changed": 1, "unchanged": 1}
    now = stored(record)
    assert (now["1001"].mobile, now["1001"].version) == ("07700 900456", 2)
    assert now["1002"].version == 1


def test_an_empty_cell_or_a_missing_column_takes_nothing_away(
    record: Record, tmp_path: Path
) -> None:
    run(record, tmp_path, SIAN)
    empty = "1001,999 000 0018,,,,,,"
    assert run(record, tmp_path, empty).counts == {"unchanged": 1}
    result = run(record, tmp_path, "9990000018", heading="NHS Number")
    assert result.counts == {"unchanged": 1}


def test_a_patient_without_nhs_number_is_known_by_the_practices_id_and_gets_the_number_later(
    record: Record, tmp_path: Path
) -> None:
    run(record, tmp_path, "1001,,Ms,Siân,Llwyd,31/12/1980,,")
    assert run(record, tmp_path, SIAN).counts == {"changed": 1}
    assert stored(record)["1001"].nhs_number == "9990000018"


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        ([SIAN, SIAN], [(3, "repeated")]),
        ([SIAN, SIAN.replace("900123", "900456")], [(3, "repeated")]),
        (["1001,,Ms,S,L,,,", "1001,,Ms,S,L,,,"], [(3, "repeated")]),
        ([SIAN, LLYR.replace("1002", "1001")], [(3, "ids_differ")]),
        ([SIAN.replace("0018", "0019")], [(2, "nhs_number_invalid")]),
        ([",,Ms,Siân,Llwyd,31/12/1980,,"], [(2, "nhs_number_missing")]),
        ([SIAN.replace("31/12", "31/02")], [(2, "birth_date_invalid")]),
        ([SIAN.replace("1980", "2080")], [(2, "birth_date_invalid")]),
        ([SIAN + ",one more"], [(2, "unreadable_row")]),
    ],
)
def test_a_row_that_cannot_be_used_is_listed_and_the_others_go_in(
    record: Record, tmp_path: Path, rows: list[str], problems: list[tuple[int, str]]
) -> None:
    result = run(record, tmp_path, *rows, "1009,999 000 1987,Mr,Ned,Bevan,02/03/1970,,")
    assert result.problems == problems
    assert sum(result.counts.values()) == len(rows) + 1
    assert "1009" in stored(record)
    assert set(result.counts) <= set(SAYS)


def test_ids_of_two_patients_in_one_row_change_neither(record: Record, tmp_path: Path) -> None:
    run(record, tmp_path, SIAN, LLYR)
    before = stored(record)
    mixed = SIAN.replace("1001", "1002")
    assert run(record, tmp_path, mixed).problems == [(2, "ids_differ")]
    other = "1001,999 000 1987,Ms,Siân,Llwyd,31/12/1980,,"
    assert run(record, tmp_path, other).problems == [(2, "ids_differ")]
    assert stored(record) == before


@pytest.mark.parametrize("whole", ['"LLWYD, Siân (Ms)"', "Siân LLWYD"])
def test_one_column_for_the_name_is_split(record: Record, tmp_path: Path, whole: str) -> None:
    """ACX-22: SystmOne has the patient's name in one column."""
    heading = "NHS Number,Patient Name,Date of Birth,Telecom Number"
    run(record, tmp_path, f"9990000018,{whole},31/12/1980,07700 900123", heading=heading)
    (found,) = stored(record).values()
    assert (found.given_name, found.family_name) == ("Siân", "LLWYD")


def test_an_id_of_the_practice_is_never_replaced(record: Record, tmp_path: Path) -> None:
    """PAT-9: a spreadsheet made 0100 a 100; the patient keeps the right one, and the row is listed."""
    run(record, tmp_path, SIAN.replace("1001", "0100"))
    before = stored(record)
    result = run(record, tmp_path, SIAN.replace("1001", "100").replace("Siân", "Sian"))
    assert result.problems == [(2, "own_id_differs")]
    assert stored(record) == before


@pytest.mark.parametrize(
    ("there", "given"), [("000100", "100"), ("100", "0100"), ("0200", "000200"), ("00", "0")]
)
def test_zeros_that_were_dropped_make_no_second_record(
    record: Record, tmp_path: Path, there: str, given: str
) -> None:
    """PAT-9: where the row has no NHS number, its id alone says who it is."""
    heading = "Patient ID,First Name,Surname,Date of Birth"
    run(record, tmp_path, f"{there},Siân,Llwyd,31/12/1980", heading=heading)
    rows = (
        f"{given},Siân,Llwyd,31/12/1980",
        "A100,Ned,Bevan,13/01/1970",
        "1000,Cy,Hall,13/01/1970",
    )
    result = run(record, tmp_path, *rows, heading=heading)
    assert result.problems == [(2, "own_id_zeros")]
    assert set(stored(record)) == {there, "A100", "1000"}


def test_data_of_another_patient_overwrite_nothing(record: Record, tmp_path: Path) -> None:
    """PAT-9: a slipped id; one of both may be corrected, and capitals or hyphens make no difference."""
    run(record, tmp_path, SIAN, LLYR)
    before = stored(record)
    slipped = "1001,,Mr,Ned,Bevan,02/03/1970,07700 900999,"
    assert run(record, tmp_path, slipped).problems == [(2, "another_patient")]
    slipped = ",999 000 0999,Mr,Ned,Bevan,02/03/1970,07700 900999,"
    assert run(record, tmp_path, slipped).problems == [(2, "another_patient")]
    assert stored(record) == before
    assert run(record, tmp_path, SIAN.replace("Llwyd", "Bevan")).counts == {"changed": 1}
    assert run(record, tmp_path, LLYR.replace("1950", "1951").replace("O'B", "O B")).counts == {
        "changed": 1
    }


# Dates of birth in one column, the day of the first row; None: it could be either, and is refused
ORDERS = (
    (("03/04/1980", "05/06/1950"), None),
    (("03/04/1980", "13/06/1950"), date(1980, 4, 3)),
    (("03/04/1980", "06/13/1950"), date(1980, 3, 4)),
    (("1980-04-03", "05/06/1950"), date(1980, 4, 3)),
)


@pytest.mark.parametrize(("born", "day"), ORDERS)
def test_a_date_is_imported_as_the_list_check_reads_it(
    record: Record, tmp_path: Path, born: tuple[str, str], day: date | None
) -> None:
    """PAT-9: what could be two dates is not guessed."""
    rows = [f"999000{n},{one}" for n, one in zip(("0018", "0999"), born, strict=True)]
    result = run(record, tmp_path, *rows, heading="NHS Number,DOB")
    found = {row.nhs_number: row.birth_date for row in stored_rows(record)}
    assert found.get("9990000018") == day
    assert ((2, "birth_date_invalid") in result.problems) == (day is None)


@pytest.mark.parametrize("name", ["Si‰n", "SiÃ¢n", "Si\ufffdn"])
def test_a_name_read_in_the_wrong_encoding_overwrites_nothing(
    record: Record, tmp_path: Path, name: str
) -> None:
    """PAT-8: the row is listed, and the patient keeps the name."""
    run(record, tmp_path, SIAN)
    before = stored(record)
    assert run(record, tmp_path, SIAN.replace("Siân", name)).problems == [(2, "letters_doubtful")]
    assert stored(record) == before


def test_an_import_killed_after_a_block_is_finished_by_the_next(
    sqlite_record: Record, tmp_path: Path
) -> None:
    run(sqlite_record, tmp_path, SIAN)  # as far as it came
    assert run(sqlite_record, tmp_path, SIAN, LLYR).counts == {"unchanged": 1, "added": 1}


def test_a_patient_repeated_in_a_later_block_is_listed(
    sqlite_record: Record, tmp_path: Path
) -> None:
    filler = [f"{n},,Mr,A,B,,," for n in range(2_000_000, 2_020_010)]
    result = run(sqlite_record, tmp_path, SIAN, *filler, SIAN)
    assert result.problems == [(len(filler) + 3, "repeated")]


# --- where patients belong ---------------------------------------------------------------------------

BELONGS = "EMIS Number,Given Name,Organisation Code,Usual GP's Full Name"


@pytest.fixture
def places(record: Record) -> Record:
    """Two open facilities and a closed one; three providers, two of one name."""
    with record.write() as connection:
        for n, code in enumerate(("A1", "B2", "C3"), start=1):
            values = {"id": n, "code": code, "name": f"Site {code}", "active": code != "C3"}
            connection.execute(sa.insert(facility).values(values))
        for n, name in enumerate(("TOOSY, Raza (Dr)", "Dr Jones", "Dr Jones"), start=1):
            connection.execute(sa.insert(provider).values(id=n, code=f"P{n}", name=name))
    return record


def belongs(record: Record) -> dict[str | None, tuple[object, object]]:
    return {key: (row.facility_id, row.provider_id) for key, row in stored(record).items()}


@pytest.mark.parametrize(
    ("facility_cell", "provider_cell", "found"),
    [
        ("A1", '"TOOSY, Raza (Dr)"', (1, 1)),
        ("b2", "p3", (2, 3)),
        ("Site B2", '"toosy, raza (dr)"', (2, 1)),
        ("A1", "Dr Jones", (1, None)),  # two are called so
        ("C3", "", (None, None)),  # closed
        ("Z9", "P9", (None, None)),
        ("", "", (None, None)),
    ],
)
def test_a_new_patient_belongs_where_the_file_says_if_that_is_here(
    places: Record, tmp_path: Path, facility_cell: str, provider_cell: str, found: object
) -> None:
    """So that a campaign can choose by facility and provider."""
    row = f"1001,Siân,{facility_cell},{provider_cell}"
    result = run(places, tmp_path, row, heading=BELONGS)
    assert (result.counts, result.unused) == ({"added": 1}, ())
    assert belongs(places) == {"1001": found}


def test_cells_of_a_row_that_cannot_be_read_are_not_told(places: Record, tmp_path: Path) -> None:
    """Slipped by a comma too many, where a provider should stand may be the patient's name."""
    result = run(places, tmp_path, "1001,Flat 2,Siân,Llwyd,P1", heading=BELONGS)
    assert result.problems == [(2, "unreadable_row")]
    assert [dict(words) for words in result.unknown.values()] == [{}, {}]


def test_what_is_not_here_is_told_and_taken_in_once_it_is(places: Record, tmp_path: Path) -> None:
    rows = ("1001,Siân,Z9,P1", "1002,Llŷr,Z9,Dr Jones", "1003,Ned,A1,")
    result = run(places, tmp_path, *rows, heading=BELONGS)
    assert result.unknown == {"facility_id": {"Z9": 2}, "provider_id": {"Dr Jones": 1}}
    with places.write() as connection:
        connection.execute(sa.insert(facility).values(id=9, code="Z9", name="New"))
    again = run(places, tmp_path, *rows, heading=BELONGS)
    assert again.counts == {"changed": 2, "unchanged": 1}
    assert belongs(places) == {"1001": (9, 1), "1002": (9, None), "1003": (1, None)}


def test_who_belongs_somewhere_is_moved_by_an_operation_and_not_by_a_file(
    places: Record, tmp_path: Path
) -> None:
    """ALC-3, ALC-4: reviewed and approved."""
    run(places, tmp_path, "1001,Siân,A1,P1", "1002,Llŷr,A1,", heading=BELONGS)
    result = run(places, tmp_path, "1001,Siân,B2,P2", "1002,Llŷr,A1,P2", heading=BELONGS)
    assert (result.counts, result.stayed) == ({"unchanged": 1, "changed": 1}, 1)
    assert belongs(places) == {"1001": (1, 1), "1002": (1, 2)}


def test_a_facilitys_own_column_goes_before_the_organisations(
    places: Record, tmp_path: Path
) -> None:
    heading = "EMIS Number,Organisation Code,Facility,Provider"
    result = run(places, tmp_path, "1001,A1,B2,P1", heading=heading)
    assert (belongs(places), result.unused) == ({"1001": (2, 1)}, ("Organisation Code",))


def test_an_address_in_several_columns_is_one_on_the_record(record: Record, tmp_path: Path) -> None:
    heading = "EMIS Number,House Name / Flat Number,Number and Street,Locality,Town,County,Postcode"
    rows = ("1001,Flat 2,1 High St,,Tref,Dyfed,EF1 2GH", "1002,,,,,,")
    result = run(record, tmp_path, *rows, heading=heading)
    found = stored(record)
    assert result.unused == ()
    assert (found["1001"].address, found["1001"].postcode) == (
        "Flat 2, 1 High St, Tref, Dyfed", "EF1 2GH",
    )  # fmt: skip
    assert found["1002"].address is None


def test_the_trail_has_who_imported_which_file_and_no_value_of_a_row(
    record: Record, tmp_path: Path
) -> None:
    """NEW-10: begun and ended, so that a killed import is seen too; the digest is of the file's bytes."""
    run(record, tmp_path, SIAN, LLYR, "1003,bad,,A,B,01/02/1950,,")
    bytes_ = (tmp_path / "patients.csv").read_bytes()
    with record.read() as connection:
        found = connection.execute(sa.select(audit_act).order_by(audit_act.c.number)).all()
    assert [(act.operator, act.operation_type, act.patients_affected) for act in found] == [
        ("nia", "patients.import-begun", 0),
        ("nia", "patients.imported", 2),
    ]
    says = [json.loads(act.new_values) for act in found]
    begun = {"sha256": hashlib.sha256(bytes_).hexdigest(), "size": len(bytes_), "layout": "emis"}
    assert says == [begun, begun | {"added": 2, "nhs_number_invalid": 1}]


def test_rows_of_an_organisation_that_may_not_be_held_are_refused_and_named(
    places: Record, tmp_path: Path
) -> None:
    """NEW-40: one controller, one installation; row by row, and nothing of theirs is kept."""
    path = tmp_path / "patients.csv"
    rows = ("1001,Siân,A1,", "1002,Llŷr,X9,", "1003,Ned, a1 ,", "1004,Ann,,", "1005,Bob,X9,")
    path.write_text("\n".join((BELONGS, *rows)) + "\n", encoding="utf-8")
    result = import_patients(
        places, FakeClock(), open_list(path), Options(by="nia", codes=("A1", "B2"))
    )
    assert result.counts == {"added": 3, "other_organisation": 2}
    assert result.problems == [(3, "other_organisation"), (6, "other_organisation")]
    assert (result.foreign, result.unknown["facility_id"]) == ({"X9": 2}, {})
    assert sorted(stored(places)) == ["1001", "1003", "1004"]


def test_another_facility_changes_nothing_of_a_patient_and_is_listed(
    places: Record, tmp_path: Path
) -> None:
    """NEW-40: B's import changed the mobile and the address of A's patient, and nothing said so."""
    heading = "EMIS Number,Family Name,Organisation Code,Mobile Telephone"
    run(places, tmp_path, "1001,Llwyd,A1,07700 900001", "1002,Pugh,,07700 900002", heading=heading)
    before = stored(places)["1001"]
    rows = ("1001,Llwyd,B2,07700 900009", "1002,Pugh,B2,07700 900008")
    result = run(places, tmp_path, *rows, heading=heading)
    assert result.counts == {"facility_differs": 1, "changed": 1}
    assert result.problems == [(2, "facility_differs")]
    assert stored(places)["1001"] == before
    assert stored(places)["1002"].mobile == "07700 900008"  # who belonged nowhere yet
    agrees = run(places, tmp_path, "1001,Llwyd,B2,07700 900001", heading=heading)
    assert (agrees.counts, agrees.stayed) == ({"unchanged": 1}, 1)
