"""The Outreach Report, and from a report of patients to a bulk message."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.cohort.rows import get_list
from clinic.govern.people.facilities import set_facilities
from clinic.message.drafts.draft import list_drafts
from clinic.practice.groups import add_to_group
from clinic.record.schema.govern import access_log, access_patient
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import campaign
from clinic.record.schema.people import facility, patient, patient_group
from tests.desk.visitors import Visitor
from tests.main_job import Practice, nhs

EVIL = "<img src=x onerror=alert(1)>\"'>"


@pytest.fixture
def sent(practice: Practice) -> Practice:
    """Two bulk messages: to the patients 1 to 3, and to 4."""
    practice.patients(5)
    practice.run(practice.everybody(3), list_name="Reviews")
    practice.run(
        practice.file(nhs(4), name="b.csv"), list_name="=Sums", request_key="b", template="other"
    )
    return practice


@pytest.fixture
def practice(practice: Practice) -> Practice:
    """With a second template, of the same type."""
    practice.template("Another.", key="other")
    return practice


def numbers(text: str) -> list[int]:
    """The patients of the rows shown, in their order."""
    return [
        n for found in re.findall(r">\s*(\d{10})</a>", text) for n in range(1, 6) if nhs(n) == found
    ]


@pytest.mark.parametrize(
    ("query", "patients"),
    [
        ("", [4, 3, 2, 1]),
        ("campaign=1", [3, 2, 1]),
        ("campaign=2", [4]),
        ("from=2026-03-02&to=02/03/2026", [4, 3, 2, 1]),
        ("from=2026-03-03", []),
        ("to=2026-03-01", []),
        ("status=Pending&campaign=1", [3, 2, 1]),
        ("status=Send+Failed", []),
    ],
)
def test_the_outreach_report_lists_all_messages_by_its_filters(
    visitor: Visitor, sent: Practice, query: str, patients: list[int]
) -> None:
    """ARC-17: all messages sent; ARC-18: by Bulk Outreach ID exactly that batch. Who was shown is logged."""
    visitor.sign_in("olwen")
    found = visitor.see(f"/outreach?{query}")
    assert found.status_code == 200
    assert numbers(found.text) == patients
    with sent.record.read() as connection:
        assert set(connection.scalars(sa.select(access_patient.c.patient_id))) == set(patients)


@pytest.mark.parametrize(
    "query",
    [
        "campaign=99",
        "campaign=x",
        "campaign=²",
        "from=never",
        "to=2026-13-01",
        f"campaign={'9' * 30}",
    ],
)
def test_a_filter_that_makes_no_sense_is_said(visitor: Visitor, sent: Practice, query: str) -> None:
    """An unknown campaign is a slip, and not nobody; nothing is shown, and no file is given."""
    visitor.sign_in("olwen")
    found = visitor.see(f"/outreach?{query}")
    assert found.status_code == 422
    assert numbers(found.text) == []
    assert visitor.see(f"/outreach.csv?{query}").status_code == 404


def test_the_report_goes_on_page_by_page(visitor: Visitor, practice: Practice) -> None:
    """Each message once, the newest first."""
    practice.patients(60)
    practice.run(practice.everybody(60))
    visitor.sign_in("olwen")
    at, seen = "/outreach", []
    for _ in range(3):
        text = visitor.see(at).text
        seen += re.findall(r'href="/patients/(\d+)"', text)
        older = re.search(r'href="(/outreach\?[^"]*before=\d+)"', text)
        at = older[1].replace("&amp;", "&") if older else ""
    assert at == ""
    assert [int(n) for n in seen] == list(range(60, 0, -1))


def test_the_whole_report_is_a_file(visitor: Visitor, sent: Practice) -> None:
    """Every message, formula-safe; the look is in the log before, and an operator of one facility gets none."""
    visitor.sign_in("olwen")
    found = visitor.see("/outreach.csv?status=Pending")
    assert found.headers["content-disposition"] == 'attachment; filename="outreach-report.csv"'
    rows = list(csv.DictReader(io.StringIO(found.text)))
    assert [row["NHS Number"] for row in rows] == [nhs(n) for n in (1, 2, 3, 4)]
    assert rows[3]["List"] == "'=Sums"
    with sent.record.read() as connection:
        log = connection.execute(sa.select(access_log.c.command, access_log.c.patients)).all()
    assert ("desk outreach file", 4) in [tuple(row) for row in log]


def tie(practice: Practice) -> None:
    """Olwen works with the patients of one facility, whose only ones are 1 and 2."""
    with practice.record.write() as connection:
        connection.execute(sa.insert(facility).values(id=1, code="NORTH", name="North"))
        connection.execute(sa.update(patient).where(patient.c.id <= 2).values(facility_id=1))
    set_facilities(practice.record, practice.clock, name="olwen", codes=["NORTH"], by="ada")


def test_whoever_is_tied_sees_and_takes_nobody_of_others(visitor: Visitor, sent: Practice) -> None:
    """Of the report nothing where others are in it; of patients their own alone, not by a tampered tick."""
    tie(sent)
    visitor.sign_in("olwen")
    assert visitor.see("/outreach").status_code == 403
    assert visitor.see("/outreach.csv").status_code == 403
    shown = visitor.see("/reports?status=active").text
    assert "2 patients" in shown
    assert "Given3" not in shown
    take(visitor, {"status": "active", "picked": ["1", "2", "3", "4"], "do": "picked"})
    assert members(sent, 3) == [1, 2]


def take(visitor: Visitor, form: dict[str, Any]) -> Any:
    """Those ticked, or all."""
    usual = {"group": "", "status": "", "facility": "", "provider": "", "name": "Flu 2026"}
    return visitor.send("/reports/take", usual | form, seen_at="/reports")


def members(practice: Practice, number: int) -> list[int]:
    """Whom a list has."""
    with practice.record.read() as connection:
        query = sa.select(list_row.c.patient_id).where(list_row.c.list_id == number)
        return [int(n or 0) for n in connection.scalars(query.order_by(list_row.c.row_number))]


@pytest.fixture
def flu(practice: Practice) -> Practice:
    """A group of the patients 1 to 4, of five."""
    practice.patients(5)
    with practice.record.write() as connection:
        connection.execute(sa.insert(patient_group).values(code="flu", name="Flu"))
    ids = [nhs(n) for n in (1, 2, 3, 4)]
    add_to_group(practice.record, practice.clock, "flu", ids, by="nia")
    return practice


@pytest.mark.parametrize(
    ("form", "patients"),
    [
        ({"do": "picked", "picked": ["2", "4"]}, [2, 4]),
        ({"do": "picked", "picked": ["2", "4", "4"]}, [2, 4]),
        ({"do": "all"}, [1, 2, 3, 4]),
        ({"do": "all", "picked": ["2"]}, [1, 2, 3, 4]),
        ({"do": "picked", "picked": ["1", "3", "5"]}, [1, 3]),
    ],
)
def test_exactly_those_ticked_or_all_of_the_report_are_messaged(
    visitor: Visitor, flu: Practice, form: dict[str, Any], patients: list[int]
) -> None:
    """ARC-3: exactly the selected patients; ARC-4: all of the report; ARC-5: type, then template (ARC-1, 2)."""
    visitor.sign_in("olwen")
    report = visitor.see("/reports?group=flu").text
    assert "4 patients" in report
    assert "Given5" not in report
    menu = take(visitor, {"group": "flu"} | form)
    assert re.fullmatch(r"/reports/lists/\d+", menu.url.path)
    number = int(menu.url.path.rpartition("/")[2])
    assert members(flu, number) == patients
    assert "Another" not in menu.text, "the type first"
    assert 'name="template"' not in menu.text
    with_type = visitor.see(f"{menu.url.path}?type=review").text
    assert 'value="plain"' in with_type
    form = {"type": "review", "template": "plain"}
    drafted = visitor.send(menu.url.path, form, seen_at=f"{menu.url.path}?type=review")
    assert re.fullmatch(r"/messages/drafts/\d+", drafted.url.path)
    assert drafted.status_code == 200
    (draft,) = list_drafts(flu.record, "olwen")
    assert (draft.list_id, draft.rows) == (number, len(patients))
    assert (draft.asked.list_name, draft.asked.template) == ("Flu 2026", "plain")
    with flu.record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(campaign)) == 0, "ARC-6"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"do": "picked"}, "Tick more than one patient"),
        ({"do": "picked", "picked": ["1"]}, "Tick more than one patient"),
        ({"do": "picked", "picked": ["1", "1"]}, "Tick more than one patient"),
        ({"do": "picked", "picked": [EVIL, "x"]}, "Tick more than one patient"),
        ({"do": "all", "name": " "}, "Give the list a name"),
        ({"do": "all", "group": ""}, "Choose what the patients have in common"),
        ({"do": "all", "group": "nothing"}, "There is no group"),
    ],
)
def test_what_cannot_be_taken_is_said_and_makes_no_list(
    visitor: Visitor, flu: Practice, form: dict[str, Any], says: str
) -> None:
    """ARC-3: more than one; nobody means everybody by saying nothing."""
    visitor.sign_in("olwen")
    answer = take(visitor, {"group": "flu"} | form)
    assert says in answer.text
    assert answer.status_code in (422, 404) or "There is a problem" in answer.text
    with flu.record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(list_row)) == 0


def test_the_same_form_sent_twice_makes_one_list(visitor: Visitor, flu: Practice) -> None:
    """A double click; other ticks are another list."""
    visitor.sign_in("olwen")
    key = {"key": "0" * 8 + "-0000-0000-0000-" + "0" * 12}
    form = {"group": "flu", "do": "picked", "picked": ["1", "2"]} | key
    first, second = take(visitor, form), take(visitor, form)
    other = take(visitor, form | {"picked": ["1", "3"]})
    assert first.url.path == second.url.path != other.url.path
    with flu.record.read() as connection:
        assert get_list(connection, int(other.url.path.rpartition("/")[2])).rows == 2


def test_a_type_and_a_template_go_together(visitor: Visitor, flu: Practice) -> None:
    """ARC-2: one type, one template."""
    visitor.sign_in("olwen")
    at = take(visitor, {"group": "flu", "do": "all"}).url.path
    for form in ({}, {"template": "plain", "type": "recall"}, {"template": EVIL, "type": EVIL}):
        answer = visitor.send(at, form, seen_at=f"{at}?type=review")
        assert answer.status_code == 422
        assert "<img" not in answer.text
    assert list_drafts(flu.record, "olwen") == []


def test_roles_reach_what_is_theirs_and_no_text_is_markup(
    visitor: Visitor, practice: Practice
) -> None:
    """An auditor and an admin have neither; what the record has is escaped."""
    for name in ("gwil", "ada"):
        visitor.sign_in(name)
        for path in ("/reports", "/reports/lists/1", "/outreach", "/outreach.csv"):
            assert visitor.see(path).status_code == 404
    practice.patient(1, given_name=EVIL, family_name=EVIL, local_id=EVIL, nhs_number=None)
    practice.patient(2, given_name=EVIL)
    visitor.sign_in("olwen")
    shown = visitor.see("/reports?status=active").text
    menu = take(visitor, {"status": "active", "do": "all", "name": EVIL}).text
    odd = visitor.see("/reports?group=%3Cimg%20src%3E&status=%3Cimg%3E").text
    report = visitor.see(
        "/outreach?campaign=%3Cimg%20src%3E&status=%3Cimg%3E&before=%3Cimg%3E"
    ).text
    assert "&lt;img" in shown
    assert "<img" not in shown + menu + odd + report
