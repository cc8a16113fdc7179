"""What a manager and a data protection officer type, from asking to what is left (NEW-35 to NEW-41)."""

from __future__ import annotations

import json
from pathlib import Path

import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema import METADATA
from tests.cli.looks.conftest import NUMBER, OTHER
from tests.cli.office import Office

GROUND = ("--ground", "court order 7", "--yes")


def everything(office: Office) -> str:
    record = office.open()
    with record.read() as connection:
        rows = [
            str(tuple(row))
            for table in METADATA.sorted_tables
            for row in connection.execute(sa.select(table))
        ]
    record.close()
    return "\n".join(rows)


def test_a_patient_is_erased_by_two_people_and_found_nowhere(office: Office) -> None:
    """NEW-36: asked by one, approved by another; then no command knows them, and the trail verifies."""
    assert OTHER in everything(office)
    asked = office.run("patients", "erase", OTHER, *GROUND, me="ann")
    assert asked.exit_code == 0, asked.output
    assert "nothing is erased until another person approves it" in asked.output
    number = (
        next(line for line in asked.output.splitlines() if "Request" in line).split()[1].rstrip(":")
    )
    own = office.run("approve", number, "--note", "mine", me="ann")
    assert own.exit_code == 3, own.output
    done = office.run("approve", number, "--note", "seen the order", me="mia")
    assert done.exit_code == 0, done.output
    assert OTHER not in everything(office)
    assert office.run("patient", OTHER, "--reason", "care").exit_code == 2
    assert "was erased" in office.run("patients", "erase", OTHER, *GROUND, me="ann").output
    assert office.run("audit", "verify").exit_code == 0


def test_whoever_is_on_no_record_is_erased_by_their_number(office: Office) -> None:
    """NEW-36: an e-mail address that nobody has: nothing is held, and no row is left of the question."""
    told = office.run("patients", "erase", "nobody@example.org", *GROUND, me="ann")
    assert "Nothing is held of them" in told.output, told.output
    assert "nobody@example.org" not in everything(office)


def test_a_restricted_patient_is_used_for_nothing(office: Office) -> None:
    """NEW-36: their row of a list ends as restricted."""
    asked = office.run("patients", "restrict", OTHER, "--ground", "disputed", me="ann")
    number = (
        next(line for line in asked.output.splitlines() if "Request" in line).split()[1].rstrip(":")
    )
    assert office.run("approve", number, "--note", "yes", me="mia").exit_code == 0
    words = (
        "--status",
        "active",
        "--name",
        "N",
        "--text",
        "Come",
        "--purpose",
        "care",
        "--dry-run",
        "--yes",
    )
    assert "restricted" in office.run("message", *words, me="ann").output


def test_a_subject_access_request_is_answered_in_two_files(office: Office) -> None:
    """NEW-41: a manager's; what they were sent and answered is in it, and who looked is found afterwards."""
    words = ("subject-access", NUMBER, "--reason", "asked", "--to", "answers")
    assert office.run(*words, me="ann").exit_code == 3
    done = office.run(*words, me="mia")
    assert done.exit_code == 0, done.output
    [path] = Path("answers").glob("*.json")
    text = path.read_text(encoding="utf-8")
    assert "Zebedee, come." in text
    assert NUMBER in text
    assert OTHER not in text
    told = office.rows("audit", "who-saw", NUMBER, "--reason", "audit", me="mia")
    assert ("mia", "subject-access") in {(one["person"], one["command"]) for one in told}


def test_an_incident_is_told_in_one_command(office: Office) -> None:
    """NEW-41: who got what, and a cover with who asked and who opened it."""
    office.run("outcomes", "1", "--csv", "-")
    done = office.run("incident", "1", "--csv", "got.csv")
    assert done.exit_code == 0, done.output
    rows = Path("got.csv").read_text("utf-8-sig")
    assert "Zebedee, come." in rows
    said = done.output + "".join(
        path.read_text() for path in Path().glob("got*") if path.suffix != ".csv"
    )
    assert "Opened by" in said
    assert "outcomes" in said


def test_a_copy_for_support_has_nobody_in_it(office: Office) -> None:
    """NEW-35: made from the catalogue: names, numbers and words are others', counts the same."""
    done = office.run("pseudonymise", "--to", "copy.db", me="mia")
    assert done.exit_code == 0, done.output
    copy = Record.open(f"sqlite:///{Path('copy.db').resolve()}")
    with copy.read() as connection:
        text = json.dumps(
            [
                str(tuple(row))
                for t in METADATA.sorted_tables
                for row in connection.execute(sa.select(t))
            ]
        )
    copy.close()
    assert [
        one for one in ("Zebedee", "Quartermain", NUMBER, OTHER, "7700900123") if one in text
    ] == []


def test_a_wrong_list_is_deleted_and_leaves_a_stub(office: Office) -> None:
    """NEW-36, NEW-39: its cells are gone; who, why and how many stay."""
    done = office.run("list", "delete", "1", "--reason", "another practice's", "--yes", me="mia")
    if done.exit_code == 2:  # this one asks nothing
        done = office.run(
            "list", "delete", "1", "--reason", "another practice's", me="mia", typed="y\n"
        )
    assert done.exit_code == 0, done.output
    assert f'["{NUMBER}"' not in everything(office)
    assert office.run("audit", "verify").exit_code == 0
