"""NEW-31: who is eligible and not on a list is named before it is sent, also at the review, and can be sent."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.errors import MendableError
from clinic.message.safety.coverage_asked import read_covers
from clinic.record.database import Record
from clinic.record.schema.clinical import diagnosis
from clinic.record.schema.people import group_member, patient_group
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


def test_the_review_says_whom_the_list_lacks_and_that_it_is_a_recall(
    installed: Record, home: Path, tmp_path: Path, typed: Type
) -> None:
    """NEW-31: where a person decides; the command that it names writes the same patients."""
    settings = Settings(home=home, operator="nia", phones=Phones(test_range=True))
    practice = Practice(installed, SystemClock(), home, settings=settings)
    practice.patients(4)
    practice.patient(5, mobile=None)
    practice.patient(6, death_date=date(2026, 1, 2))
    with installed.write() as connection:
        connection.execute(sa.insert(patient_group).values(id=9, code="flu-65", name="Flu"))
        members = [{"group_id": 9, "patient_id": n} for n in (1, 3, 4, 5, 6)]
        connection.execute(sa.insert(group_member), members)
    listed = str(practice.file(nhs(1), nhs(2), nhs(5)))
    request = ("message", listed, "--template", "plain", "--name", "Smears")
    asked = ("--covers", "group: flu-65", "--covers", "Status:active")
    recall = ("--recall-by", "31/01/2099", "--owner", "Managers", "--recall-code", DIABETES)
    told = typed(*request, *recall, *asked)
    said = " ".join(told.err.split())
    assert told.code == 3
    by_hand = "cohort list missing 1 --group flu-65 --status active --csv missing.csv"
    for part in (
        "2 of 4 eligible patients (group:flu-65, status:active) are not on the list",
        by_hand,
        f"Not on the list, for example: {nhs(3)}, {nhs(4)}",
        "a recall: answers by 31 Jan 2099; follow-ups are those of managers",
        f"an answer is also the code {DIABETES}",
        "1 follow-ups as soon as it is sent",
    ):
        assert part in said
    assert "2 of 4 eligible patients" in typed("show", "1").out
    path = str(tmp_path / "missing.csv")
    typed(*by_hand.split()[1:-1], path)
    lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    assert [line.partition(",")[0] for line in lines[1:]] == [nhs(3), nhs(4)]

    plain = " ".join(typed(*request).err.split())
    assert "Campaign 2" in plain
    assert [word for word in ("recall", "eligible", "follow-ups") if word in plain] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["flu"], "coverage-unclear"),
        (["group:"], "coverage-unclear"),
        (["team:managers"], "coverage-unclear"),
        (["group:a", "group:b"], "coverage-unclear"),
        (["code:12"], "snomed-code"),
    ],
)
def test_whom_a_list_should_have_is_said_in_words_that_are_understood(
    words: list[str], code: str
) -> None:
    """NEW-31: a slip is told, never nobody."""
    with pytest.raises(MendableError) as told:
        read_covers(words)
    assert told.value.code == code
    found = read_covers(["code:44054006", "code:73211009", "facility: F1"])
    assert (found.codes, found.described.facility) == (("44054006", "73211009"), "F1")
