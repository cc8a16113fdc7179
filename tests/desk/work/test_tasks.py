"""Tasks at the desk: follow-ups of operations and recalls are ticked, unticked and given."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.review.follow_up import list_follow_ups
from clinic.govern.people.facilities import set_facilities
from clinic.message.recall.follow_ups import list_recall_follow_ups
from clinic.record.schema.govern import access_log, access_patient, audit_act
from clinic.record.schema.people import patient
from tests.desk.busy_day import NAMES, fill
from tests.desk.visitors import Visitor
from tests.main_job import Practice


@pytest.fixture
def day(practice: Practice) -> Practice:
    fill(practice)
    return practice


def do(visitor: Visitor, what: str, *numbers: str, **values: str) -> Any:
    """What the buttons of the page send."""
    return visitor.send(
        "/tasks/do", {"number": list(numbers), "do": what, **values}, seen_at="/tasks"
    )


def open_now(practice: Practice) -> set[str]:
    found = [*list_recall_follow_ups(practice.record), *list_follow_ups(practice.record)]
    return {each.number for each in found}


def test_what_is_open_is_listed_the_earliest_first_and_logged(
    day: Practice, visitor: Visitor
) -> None:
    """NEW-37: the patients of recalls are in the access log, each by who they are."""
    visitor.sign_in("olwen")
    page = visitor.see("/tasks").text
    assert re.findall(r'name="number" type="checkbox" value="(.*?)"', page) == [
        "c1.2", "c1.3", "1.1",
    ]  # fmt: skip
    assert page.count("Overdue") == 1
    assert NAMES[1] in page
    with day.record.read() as connection:
        row = connection.execute(sa.select(access_log)).one()
        keys = connection.scalars(sa.select(access_patient.c.patient_id)).all()
    assert (row.command, row.patients, sorted(keys)) == ("desk tasks", 2, [1, 2])


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?team=reception", {"c1.2", "c1.3"}),
        ("?team=scheduling", {"1.1"}),
        ("?campaign=1", {"c1.2", "c1.3"}),
        ("?operation=1", {"1.1"}),
        ("?team=nobody", {"c1.2", "c1.3", "1.1"}),
    ],
)
def test_the_list_is_narrowed(day: Practice, visitor: Visitor, query: str, shown: set[str]) -> None:
    """By team, recall and operation; a team that is none is said to be none."""
    visitor.sign_in("olwen")
    page = visitor.see(f"/tasks{query}").text
    assert set(re.findall(r'type="checkbox" value="(c?\d+\.\d+)"', page)) == shown
    assert ("there is no team" in page) == (query == "?team=nobody")


def test_tasks_are_ticked_and_unticked_and_twice_is_once(day: Practice, visitor: Visitor) -> None:
    """ALC-23: of operations and recalls alike; who and when is on the trail."""
    visitor.sign_in("olwen")
    for _ in range(2):
        assert do(visitor, "done", "c1.2", "1.1").status_code == 200
        assert open_now(day) == {"c1.3"}
    assert do(visitor, "open", "c1.2", all="1").url.query == b"all=1"
    assert open_now(day) == {"c1.2", "c1.3"}
    with day.record.read() as connection:
        acts = connection.scalars(
            sa.select(audit_act.c.operation_type).where(audit_act.c.operator == "olwen")
        ).all()
    assert [kind for kind in acts if kind.startswith("follow-up.")] == [
        "follow-up.done", "follow-up.done", "follow-up.reopened",
    ]  # fmt: skip
    assert (day.settings.home / "audit.anchor").exists()


def test_patients_of_recalls_are_given_to_somebody(day: Practice, visitor: Visitor) -> None:
    """An operation's task stays its team's: that is said, and nothing is given."""
    visitor.sign_in("olwen")
    do(visitor, "give", "c1.3", to="tegan")
    found = {each.number: each.team for each in list_recall_follow_ups(day.record)}
    assert found == {"c1.2": "reception", "c1.3": "tegan"}
    answer = do(visitor, "give", "c1.2", "1.1", to="tegan")
    assert answer.status_code == 400
    assert "tick only patients of recalls" in answer.text
    assert {each.team for each in list_recall_follow_ups(day.record)} == {"reception", "tegan"}


@pytest.mark.parametrize(
    ("numbers", "values", "says"),
    [
        ((), {}, "Tick the tasks first"),
        (("c9.9",), {}, "there is no follow-up"),
        (("c1.2",), {"what": "give", "to": "nobody"}, "there is no team"),
    ],
)
def test_what_cannot_be_done_is_said_on_the_page(
    day: Practice, visitor: Visitor, numbers: tuple[str, ...], values: dict[str, str], says: str
) -> None:
    visitor.sign_in("olwen")
    answer = do(visitor, values.pop("what", "done"), *numbers, **values)
    assert says in answer.text
    assert open_now(day) == {"c1.2", "c1.3", "1.1"}


def test_who_is_tied_to_facilities_sees_and_ticks_no_other_patients(
    day: Practice, visitor: Visitor
) -> None:
    """NEW-38: patient 1 is of another facility than olwen's: not shown, nor is their campaign ticked."""
    with day.record.write() as connection:
        connection.execute(sa.update(patient).values(facility_id=2))
        connection.execute(sa.update(patient).where(patient.c.id == 1).values(facility_id=1))
    set_facilities(day.record, day.clock, name="olwen", codes=["f2"], by="ada")
    visitor.sign_in("olwen")
    page = visitor.see("/tasks").text
    assert NAMES[2] in page
    assert NAMES[1] not in page
    assert do(visitor, "done", "c1.2").status_code == 403
    assert "c1.2" in open_now(day)
