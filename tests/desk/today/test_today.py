"""Today: each thing of the day with its page, by role; and what was sent, as a picture and in numbers."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from clinic.health.findings import Finding
from clinic.health.noted import note_findings
from clinic.message.sent_by_day import deliveries_by_day
from clinic.record.schema.messages import message
from tasks.wiring import Wiring
from tests.desk.busy_day import fill
from tests.desk.visitors import Visitor
from tests.fakes import FakeGateway
from tests.main_job import Practice
from tests.ports import free_port


@pytest.fixture
def alone(parts: Wiring) -> Wiring:
    """Where no server answers."""
    parts.settings = parts.settings.model_copy(update={"prefect_port": free_port()})
    return parts


def sections(page: str) -> dict[str, str]:
    """What stands below each heading, without markup."""
    found = re.split(r"<h2[^>]*>(.*?)</h2>", page.partition("<main")[2], flags=re.S)
    plain = [" ".join(re.sub(r"<[^>]+>", " ", each).split()).replace(" :", ":") for each in found]
    return dict(zip(plain[1::2], plain[2::2], strict=True))


def test_each_thing_of_the_day_is_there_and_leads_to_its_page(
    practice: Practice, visitor: Visitor, alone: Wiring
) -> None:
    """ALC-44: what waits for me, what failed, what is overdue; each with where one goes on."""
    fill(practice)
    visitor.sign_in("mair")
    page = visitor.see("/").text
    found = sections(page)
    assert "Bulk message 2: Asthma halted-failures" in found["Failed, or not moving"]
    for path in (
        "/messages/2", "/tasks?campaign=1", "/tasks?team=reception", "/replies", "/replies/shared", "/holds",
        "/approvals/1", "/operations/1",
    ):  # fmt: skip
        assert f'href="{path}"' in page, path
    to_do = found["To be done"]
    for part in (
        "Recall 1: 1 overdue", "2 follow-ups open: reception", "1 follow-up open: scheduling",
        "2 replies open", "1 are marked", "STOP from a shared number: 2 patients",
        "1 number or patient held back",
    ):  # fmt: skip
        assert part in to_do
    assert "The Prefect server does not answer" in found["Nothing goes on by itself"]


@pytest.mark.parametrize(
    ("name", "heading"), [("olwen", "Waits for you"), ("mair", "Waits for others")]
)
def test_what_waits_is_whose_it_is_to_decide_or_to_confirm(
    practice: Practice, visitor: Visitor, alone: Wiring, name: str, heading: str
) -> None:
    """ALC-44: nobody is asked to approve what its requester has not confirmed."""
    fill(practice)
    visitor.sign_in(name)
    assert "Bulk message 2" in sections(visitor.see("/").text)[heading]


@pytest.mark.parametrize("name", ["gwil", "ada"])
def test_who_looks_at_no_patients_is_shown_no_work(
    practice: Practice, visitor: Visitor, alone: Wiring, name: str
) -> None:
    """ASVS 8.2.2: an auditor and an admin."""
    fill(practice)
    visitor.sign_in(name)
    page = visitor.see("/").text
    assert "Your role looks at no patients" in page
    for word in ("Asthma", "Smears", "follow-up", "held back"):
        assert word not in page


def test_a_quiet_day_says_so(visitor: Visitor, alone: Wiring) -> None:
    visitor.sign_in("olwen")
    page = visitor.see("/").text
    assert set(sections(page)) == {
        "Nothing goes on by itself", "Messages sent in the last 14 days",
    }  # fmt: skip


def test_what_is_wrong_with_the_installation_says_what_to_do(
    practice: Practice, visitor: Visitor, alone: Wiring
) -> None:
    note_findings(practice.record, practice.clock, [Finding("backup-too-old", "12 days old")])
    visitor.sign_in("olwen")
    found = sections(visitor.see("/").text)["Wrong with this installation"]
    assert "Backup too old" in found
    assert "cohort backup FOLDER" in found


def test_what_was_sent_stands_in_the_picture_and_in_the_table(
    practice: Practice, visitor: Visitor, alone: Wiring
) -> None:
    """The same numbers twice; a dry run sent nothing."""
    practice.patients(4)
    practice.run(practice.everybody(4))
    practice.template("To try.", key="dry")
    practice.run(practice.everybody(3), request_key="d", template="dry", dry_run=True)
    visitor.sign_in("olwen")
    page = visitor.see("/").text
    assert re.findall(r'<text x="\d+(?:\.\d+)?" y="\d+">(\d+)</text>', page) == ["0"] * 13 + ["4"]
    cells = re.findall(r'desk-number" role="cell">.*?</span><span>\s*(\d+)\s*</span>', page)
    assert cells[:5] == ["0", "4", "0", "4", "0"]


@pytest.mark.parametrize(
    ("hours", "place"), [(0, 13), (-9, 13), (-11, 12), (-24 * 13 - 9, 0), (-24 * 13 - 11, None)]
)
def test_a_day_is_one_of_the_practices_calendar(
    practice: Practice, hours: int, place: int | None
) -> None:
    """It is 10:00 there: nine hours ago was today, eleven was yesterday, and two weeks are enough."""
    practice.patients(2)
    practice.gateway = FakeGateway(plan=["reject"])
    practice.run(practice.everybody(2))
    now = practice.clock.now()
    with practice.record.write() as connection:
        connection.execute(sa.update(message).values(sent_at=now + timedelta(hours=hours)))
    zone = ZoneInfo(practice.settings.organisation.time_zone)
    days = deliveries_by_day(practice.record, today=now.date(), zone=zone)
    assert [each.failed for each in days] == [2 if n == place else 0 for n in range(14)]
