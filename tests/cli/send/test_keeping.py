"""`patients import`, `groups` and `templates`: what goes into the record by hand."""

from __future__ import annotations

from pathlib import Path

from clinic.record.database import Record
from tests.campaigns import put_patient
from tests.cli.conftest import Type

HEADING = "EMIS Number,NHS Number,Given Name,Family Name,Date of Birth,Mobile Telephone"


def test_patients_are_imported_and_bad_rows_listed(
    typed: Type, installed: Record, tmp_path: Path
) -> None:
    path = tmp_path / "patients.csv"
    good, bad = (
        "1001,999 000 0018,Siân,Llwyd,31/12/1980,",
        "1002,999 000 0019,Ned,Bevan,01/02/1970,",
    )
    path.write_text("\n".join((HEADING, good, bad)), encoding="utf-8")
    told = typed("patients", "import", str(path), "--scheme", "emis")
    assert told.code == 0
    assert "added" in told.out
    assert "3\tnhs_number_invalid" in told.out
    again = typed("patients", "import", str(path), "--json").json()
    assert again["counts"] == {"unchanged": 1, "nhs_number_invalid": 1}


def test_columns_that_are_not_taken_in_are_named(
    typed: Type, installed: Record, tmp_path: Path
) -> None:
    path = tmp_path / "patients.csv"
    path.write_text("NHS Number,Surname,Ward\n999 000 0018,Llwyd,North\n", encoding="utf-8")
    told = typed("patients", "import", str(path))
    assert "Columns not imported: Ward (1 cells)." in told.out + told.err
    assert typed("patients", "import", str(path), "--json").json()["unused"] == ["Ward"]


def test_facilities_and_providers_that_are_not_here_are_named_with_what_to_do(
    typed: Type, installed: Record, tmp_path: Path
) -> None:
    path = tmp_path / "patients.csv"
    rows = "".join(f"99900000{n},Z9,P{n}\n" for n in ("18", "26", "34"))
    path.write_text("NHS Number,Organisation Code,Provider\n" + rows, encoding="utf-8")
    told = typed("patients", "import", str(path))
    said = " ".join((told.out + told.err).split())
    assert "Facilities that are not here, or closed: Z9 (3 rows)." in said
    assert "A manager adds each, then import again: cohort places facility CODE --name NAME" in said
    assert "cohort places provider CODE --name NAME --operator MANAGER" in said
    found = typed("patients", "import", str(path), "--json").json()
    assert found["unknown_facilities"] == {"Z9": 3}
    # What stands on one row alone may be a slipped cell: it is counted and not repeated
    assert "3 more, not named here" in said
    assert (found["unknown_providers"], found["stayed"]) == ({}, 0)
    assert found["unknown_rows"] == {"facility": 3, "provider": 3}


def test_a_file_that_is_no_list_is_refused(typed: Type, installed: Record, tmp_path: Path) -> None:
    path = tmp_path / "patients.csv"
    path.write_text("", encoding="utf-8")
    assert typed("patients", "import", str(path)).code == 2


def test_a_group_is_made_filled_and_listed(typed: Type, installed: Record) -> None:
    """COM-11: a specific group, to be messaged."""
    put_patient(installed, 5, nhs_number="9990000018", local_id="1001")
    refused = typed("groups", "add", "carers", "--ids-from", "-", stdin="1001")
    assert (refused.code, "group-unknown" in refused.err) == (2, True)
    made = ("groups", "add", "carers", "--ids-from", "-", "--name", "Carers")
    told = typed(*made, stdin="999 000 0018\n4444")
    assert "1 added" in told.err
    assert "1 ids match no patient" in told.err
    assert "1 were in it already" in typed(*made, stdin="1001").err
    assert typed("groups", "list").rows() == [["carers", "Carers", "1"]]
    assert typed("groups", "list", "--json").json()[0]["members"] == 1


def test_a_template_is_added_shown_and_searched(
    typed: Type, installed: Record, tmp_path: Path
) -> None:
    """ACX-9, PAT-11, COM-3."""
    path = tmp_path / "text.txt"
    path.write_text("Dear {{ patient.given_name }}, come.", encoding="utf-8")
    assert typed("templates", "add", "come", "--purpose", "care", "--file", str(path)).code == 0
    typed("templates", "add", "come", "--text", "Come soon.")
    assert [row[0] for row in typed("templates", "show", "come").rows()] == ["2", "1"]
    assert [row[0] for row in typed("templates", "list", "come").rows()] == ["come"]
    locked = typed("templates", "add", "appointment-reminder", "--text", "Come, or else.")
    assert locked.code == 3
    assert typed("templates", "show", "come", "--json").json()[0]["version"] == 2
