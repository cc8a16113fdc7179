"""NEW-31: who is eligible and not on a list is named before it is sent, and can be sent as well."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.record.database import Record
from clinic.record.schema.clinical import diagnosis
from clinic.settings import Phones, Settings
from tests.cli.conftest import Type
from tests.main_job import Practice, nhs

DIABETES = "44054006"


def test_whom_a_list_lacks_by_code_and_status(
    installed: Record, home: Path, tmp_path: Path, typed: Type
) -> None:
    """NEW-31: a count, a file, and a list of the missing; nobody who died, left or has it no more."""
    settings = Settings(home=home, operator="nia", phones=Phones(test_range=True))
    practice = Practice(installed, SystemClock(), home, settings=settings)
    practice.patients(5)
    practice.patient(6, death_date=date(2026, 1, 2))
    practice.patient(7, status="discharged")
    practice.patient(8, deregistered_on=date(2026, 1, 2))
    with installed.write() as connection:
        connection.execute(
            sa.insert(diagnosis),
            [
                {"patient_id": n, "code": DIABETES, "text": "Diabetes", "status": "active", "ended": end}
                for n, end in (*((n, None) for n in (1, 2, 3, 6, 7, 8)), (4, date(2026, 1, 1)))
            ],
        )  # fmt: skip
    practice.begin(practice.file(nhs(1), "not a number", nhs(5)))
    path = tmp_path / "missing.csv"
    asked = ("list", "missing", "1", "--code", DIABETES, "--status", "active")
    told = typed(*asked, "--csv", str(path), "--save", "Missing", "--json").json()
    assert told == {"eligible": 3, "missing": 2, "list": 2}
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert [line.partition(",")[0] for line in lines[1:]] == [nhs(2), nhs(3)]
    assert practice.judge({"list_id": 2}, request_key="missing") == {1: "accepted", 2: "accepted"}
    assert "2 of 3 eligible patients are not on list 1" in typed(*asked).err
    assert typed("list", "missing", "1").code == 2
