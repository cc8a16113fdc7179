"""
NEW-38: nothing that somebody who is tied to a facility may type tells anything of another one's patient.

A count is an answer where the question is narrow enough: so each question below is typed before and after
something becomes true of the other facility's patient, and the answer must be the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from typer.testing import Result

from clinic.clock import SystemClock
from clinic.govern.people.facilities import set_facilities
from clinic.message import states
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.clinical import diagnosis
from clinic.record.schema.govern import operator
from clinic.record.schema.people import appointment, facility, group_member, patient, patient_group
from tests.campaigns import Fate, put_campaign, put_patient
from tests.cli.office import SECRET, Office, hire, signed_in
from tests.fakes import quick_hash

THEIRS, OWN = "9990000042", "9990000018"
CODE = "44054006"
NAME = ("--name", "N", "--text", "Come", "--purpose", "care")
FULL = "NHS Number,Given Name,Family Name,Date of Birth,Mobile\n"


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Patient 4 of Harbour; patient 1 of Mill, who has the same number. tia and tom (an admin) are of Mill."""
    monkeypatch.chdir(tmp_path)
    clock, record = SystemClock(), sqlite_record
    for key, number, name in ((4, THEIRS, "Orwig"), (1, OWN, "Mallory")):
        put_patient(
            record, key, nhs_number=number, local_id=f"H{key}", given_name="Ida", family_name=name,
            mobile="07700900123", birth_date=date(1950, 4, 9),
        )  # fmt: skip
    put_campaign(record, clock, [Fate(patient_id=4, cells=(THEIRS, "Ida"))])
    got = Fate(state=states.DELIVERED, patient_id=1, cells=(OWN, "Ida"))
    put_campaign(record, clock, [got], requested_by="tia")
    (tmp_path / "home").mkdir(mode=0o700)
    home = Office(tmp_path / "home", record)
    home.environment |= {"COHORT_PHONES__TEST_RANGE": "true", "COHORT_OPERATOR": "tia"}
    home.environment["COHORT_PREFECT_API_URL"] = "http://127.0.0.1:9/api"
    hire(home)
    record = home.open()
    install(record, clock)
    with record.write() as connection:
        codes = ((1, "Mill"), (2, "Harbour"))
        connection.execute(facility.insert(), [{"id": n, "code": c, "name": c} for n, c in codes])
        connection.execute(
            patient.update().values(facility_id=sa.case((patient.c.id == 4, 2), else_=1))
        )
        hashed = {
            "secret_hash": quick_hash(SECRET),
            "created_at": clock.now(),
            "created_by": "root",
        }
        for name, role in (("tia", "manager"), ("tom", "admin")):
            connection.execute(
                operator.insert().values(name=name, role=role, active=True, **hashed)
            )
        connection.execute(patient_group.insert().values(id=1, code="hep-c", name="Clinic"))
    for name in ("tia", "tom"):
        set_facilities(record, clock, name=name, codes=["Mill"], by="root")
    record.close()
    return home


def of_theirs(**values: Any) -> Callable[[Connection], object]:
    """Patient 4 is so from now on."""
    return lambda connection: connection.execute(
        patient.update().where(patient.c.id == 4).values(**values)
    )


def as_it_was(connection: Connection) -> object:
    names = {"given_name": "Ida", "family_name": "Orwig", "birth_date": date(1950, 4, 9)}
    known = {"death_date": None, "mobile": "07700900123", "status": "active"}
    connection.execute(diagnosis.delete())
    connection.execute(group_member.delete())
    return of_theirs(**names, **known)(connection)


def coded(connection: Connection) -> object:
    row = {"patient_id": 4, "code": CODE, "text": "Diabetes", "status": "active"}
    return connection.execute(diagnosis.insert().values(row))


def in_group(connection: Connection) -> object:
    return connection.execute(group_member.insert().values(group_id=1, patient_id=4))


def booked(connection: Connection) -> object:
    at = datetime.now(UTC) + timedelta(days=1)
    row = {"patient_id": 4, "starts_at": at, "minutes": 10, "status": "booked",
           "visit_type": "chemotherapy"}  # fmt: skip
    return connection.execute(appointment.insert().values(row))


def own_booked(connection: Connection) -> object:
    row = {"patient_id": 1, "starts_at": datetime.now(UTC) + timedelta(days=1), "minutes": 10,
           "status": "booked", "visit_type": "chemotherapy"}  # fmt: skip
    return connection.execute(appointment.insert().values(row))


CHECK = ("list", "check", "one.csv", "--json")
ROW = f"{THEIRS},Ida,Orwig,1950-04-09,07700900123\n"
OTHERWISE = {
    "death_date": date(2026, 1, 2), "birth_date": date(1961, 1, 1), "given_name": "Zeno",
    "family_name": "Quill", "mobile": "07700900999",
}  # fmt: skip
# What is asked → the list, what is typed, and what becomes of them
ASKED: dict[str, tuple[str, tuple[str, ...], tuple[Callable[[Connection], object], ...]]] = {
    "whether a row is right, and whether they died": (ROW, CHECK, (of_theirs(**OTHERWISE),)),
    "their status and group": (
        "", ("operations", "select", "--group", "hep-c", "--status", "active", "--json"),
        (of_theirs(status="on_hold"), in_group),
    ),
    "a code of theirs": ("", ("list", "missing", "2", "--code", CODE, "--json"), (coded,)),
    "whom a campaign reaches and lacks": (
        "", ("message", "--status", "active", *NAME, "--covers", f"code:{CODE}", "--dry-run", "--yes"),
        (of_theirs(status="on_hold"), coded),
    ),
    "a visit": (
        "", ("remind", "--days", "3", "--type", "chemotherapy", "--template", "flu-1", "--preview"), (booked,),
    ),
}  # fmt: skip


def test_an_answer_is_the_same_whatever_is_true_of_another_facility_s_patient(
    office: Office,
) -> None:
    """NEW-38: neither counts, nor checks, nor remarks; and who is theirs is found as before."""
    take_over(office)
    change(office, own_booked)
    for what, (row, words, becomes) in ASKED.items():
        Path("one.csv").write_text(FULL + row)
        before = answer(office, words)
        for each in becomes:
            change(office, each)
        assert answer(office, words) == before, what
        assert "other-facility" not in before, (what, before)
        change(office, as_it_was)


def take_over(office: Office) -> None:
    """List 2 is tia's own."""
    change(
        office,
        lambda one: one.exec_driver_sql("UPDATE cohort_list SET taken_by = 'tia' WHERE id = 2"),
    )


def change(office: Office, becomes: Callable[[Connection], object]) -> None:
    record = office.open()
    with record.write() as connection:
        becomes(connection)
    record.close()


def answer(office: Office, words: tuple[str, ...]) -> str:
    """All that is said, less the numbers of campaigns and selections, which rise."""
    said = office.run(*words, me=None if words[:2] == ("list", "check") else "tia").output
    said = re.sub(r"(Dry run|campaign-|selection|status|id\":) ?\d+", r"\1", said)
    return re.sub(r"\s+", " ", said)


OF_SOMEBODY_ELSE: tuple[tuple[str, ...], ...] = (
    ("message", "--list", "1", *NAME, "--dry-run", "--yes"),
    ("message", "--list", "1", *NAME, "--preview", "1"),
    ("message", "--resume", "1"),
    ("list", "missing", "1", "--status", "active"),
    ("list", "missing", "1", "--status", "active", "--json"),
    ("patients", "erase", "999-000-0042", "--ground", "order", "--yes"),
    ("audit", "list"),
    ("audit", "list", "--by", "mia", "--json"),
)


def test_somebody_else_s_list_and_acts_are_not_read_by_another_way(office: Office) -> None:
    """NEW-38: its rows, of whom the record does not know as well, are shown by no outcome, preview or count."""
    before = office.run("campaigns", "--json").stdout
    for words in OF_SOMEBODY_ELSE:
        result = office.run(*words, me="tia")
        assert result.exit_code == 3, (words, result.output)
        assert "other-facility" in result.output, (words, result.output)
        assert not [one for one in (THEIRS, "Orwig", "list_row") if one in result.output], words
    assert not list(office.home.glob("not-accepted/*"))
    assert office.run("campaigns", "--json").stdout == before


def test_an_incident_names_nobody_of_another_facility(office: Office) -> None:
    """NEW-38, NEW-41: that another has the number is said, and not who."""
    done = office.run("incident", "2", "--csv", "got.csv")
    assert done.exit_code == 0, done.output
    told = Path("got.csv").read_text("utf-8-sig")
    assert "the patient's, and that of a patient of another facility" in told
    assert THEIRS not in told
    whole = office.run("incident", "2", "--csv", "all.csv", environment={"COHORT_OPERATOR": "mia"})
    assert whole.exit_code == 0, whole.output
    assert f"and that of {THEIRS}" in Path("all.csv").read_text("utf-8-sig")


MAY_NOT: tuple[tuple[str, ...], ...] = (
    ("operators", "facilities", "tom", "--all"),
    ("operators", "facilities", "tom", "--facility", "Mill", "--facility", "Harbour"),
    ("operators", "facilities", "tia", "--all"),
    ("operators", "facilities", "mia", "--facility", "Mill"),
    ("operators", "add", "zoe", "--role", "manager"),
    ("operators", "add", "zoe", "--role", "manager", "--facility", "Harbour"),
    ("operators", "secret", "mia"),
    ("operators", "disable", "mia"),
)
MAY: tuple[tuple[str, ...], ...] = (
    ("operators", "add", "zoe", "--role", "manager", "--facility", "Mill"),
    ("operators", "secret", "tia"),
)


def test_a_tied_admin_opens_no_way_to_other_patients(office: Office) -> None:
    """NEW-38: neither for themselves, nor by somebody new, nor by another's password."""
    before = people(office)
    for words in MAY_NOT:
        result = change_people(office, words)
        assert result.exit_code == 3, (words, result.output)
        assert "other-facility" in result.output, (words, result.output)
    assert people(office) == before
    for words in MAY:
        result = change_people(office, words)
        assert result.exit_code == 0, (words, result.output)
    assert len(people(office)) == len(before) + 1


def change_people(office: Office, words: tuple[str, ...]) -> Result:
    new = "a password of eighteen" if words[1] in ("add", "secret") else None
    return office.run(*words, me="tom", new_secret=new)


def people(office: Office) -> list[Any]:
    record = office.open()
    with record.read() as connection:
        found = connection.execute(
            sa.text(
                "SELECT name, active, secret_hash, codes FROM operator LEFT JOIN operator_facilities "
                "ON operator.name = operator_facilities.operator ORDER BY name"
            )
        ).all()
    record.close()
    return list(map(tuple, found))


def test_whoever_signed_in_looks_as_themselves_whatever_name_the_settings_have(
    office: Office,
) -> None:
    """NEW-38: the settings name root, who is tied to nothing; tia is signed in."""
    Path("one.csv").write_text(FULL + ROW)
    as_root = {"COHORT_OPERATOR": "root"}
    office.looks = False
    with signed_in(office, "tia"):
        checked = office.run("list", "check", "one.csv", environment=as_root)
        looked = office.run("message", "one.csv", *NAME, "--preview", "1", environment=as_root)
    for result in (checked, looked):
        assert "1 other_facility" in result.output, result.output
        assert not [one for one in ("Orwig", "07700900123") if one in result.output]
