"""NEW-31: who is eligible and not on a list is named before it is sent, also at the review, and can be sent."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.errors import MendableError
from clinic.message.audience.audience import Audience
from clinic.message.audience.classes import RECALL
from clinic.message.safety.coverage_asked import read_covers
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.record.database import Record
from clinic.record.schema.clinical import diagnosis
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign
from clinic.record.schema.people import appointment, group_member, patient_group
from clinic.record.schema.recall import coverage_asked, recall, recall_task
from clinic.record.schema.receipts import reminder
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


def test_a_preview_says_both_and_leaves_nothing_of_them_behind(
    installed: Record, home: Path, typed: Type
) -> None:
    """NEW-31: before anybody decides anything; the list is gone afterwards, so no command names it."""
    settings = Settings(home=home, operator="nia", phones=Phones(test_range=True))
    practice = Practice(installed, SystemClock(), home, settings=settings)
    practice.patients(3)
    practice.patient(5, mobile=None)
    of_class = NewTemplate(
        "smear", "Smear", "recall", "Your smear is due.", audience=Audience(classes=(RECALL,))
    )
    add_template(installed, SystemClock(), of_class, by="nia")
    listed = str(practice.file(nhs(1), nhs(5)))
    look = ("message", listed, "--template", "plain", "--name", "Smears", "--preview", "1")
    asked = ("--recall-by", "31/01/2099", "--recall-code", DIABETES, "--covers", "status:active")
    for json in ((), ("--json",)):
        told = typed(*look, *asked, *json)
        said = " ".join(told.err.split())
        for part in (
            "2 of 4 eligible patients (status:active) are not on the list",
            f"Not on the list, for example: {nhs(2)}, {nhs(3)}",
            "a recall: answers by 31 Jan 2099; follow-ups are those of reception",
            "1 follow-ups as soon as it is sent",
        ):
            assert part in said
        assert "list missing" not in said
    assert len(told.json()) == 1
    of_class_alone = " ".join(typed(*look, "--template", "smear").err.split())
    assert (
        "nobody asked who is eligible and not on the list: --covers status:active" in of_class_alone
    )
    plain = " ".join(typed(*look).err.split())
    assert [word for word in ("recall", "eligible", "follow-ups") if word in plain] == []
    with installed.read() as connection:
        for table in (recall, recall_task, coverage_asked, campaign):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def test_reminders_say_whom_they_should_reach_and_do_not(
    installed: Record, home: Path, typed: Type
) -> None:
    """NEW-31: who has no visit to be reminded of; who was reminded by an earlier run is not missing."""
    settings = Settings(home=home, operator="nia", phones=Phones(test_range=True))
    practice = Practice(installed, SystemClock(), home, settings=settings)
    practice.patients(4)
    tomorrow = SystemClock().now() + timedelta(hours=30)
    with installed.write() as connection:
        visits = [{"patient_id": n, "starts_at": tomorrow, "status": "booked"} for n in (1, 2)]
        connection.execute(sa.insert(appointment), visits)
    asked = (
        "remind",
        "--days",
        "3",
        "--covers",
        "status:active",
        "--template",
        "plain",
        "--outbox",
    )
    told = typed(*asked, "--preview")
    said = " ".join(told.err.split())
    assert "2 of 4 eligible patients (status:active) are not on the list" in said
    assert f"Not on the list, for example: {nhs(3)}, {nhs(4)}" in said
    assert "--covers status:active" in said
    assert "list missing" not in said
    with installed.write() as connection:
        later = {"patient_id": 3, "starts_at": tomorrow + timedelta(hours=1), "status": "booked"}
        connection.execute(sa.insert(reminder).values(
            list_id=put_list(connection), row_number=1, appointment_id=1, starts_at=tomorrow, message_id=77,
        ))  # fmt: skip
        connection.execute(sa.insert(appointment).values(later))
    again = " ".join(typed(*asked, "--preview").err.split())
    assert "1 of 4 eligible patients (status:active) are not on the list" in again
    assert typed("remind", "--covers", "flu", "--preview").code == 2
    nobody = typed("remind", "--days", "0", *asked[3:], "--preview")
    assert "no appointment to remind of" in nobody.err
    assert "4 of 4 eligible patients" in " ".join(nobody.err.split())


def put_list(connection: sa.Connection) -> int:
    """The list of an earlier night."""
    values = {
        "request_key": "night", "name": "Reminders", "source": "report", "sha256": "", "columns": "[]",
        "fields": "{}", "taken_at": SystemClock().now(), "taken_by": "clock",
    }  # fmt: skip
    made = sa.insert(cohort_list).values(values).returning(cohort_list.c.id)
    return int(connection.execute(made).scalar_one())


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
