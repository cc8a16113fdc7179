"""NEW-38: what runs by schedule acts as a named service; its end stops it, and health says so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clinic.errors import NotAllowed
from clinic.govern.people.service import acts_as, why_not
from clinic.health.facts import Facts, RecordFacts
from clinic.health.judge import judge
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.settings import Health

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def hire(record: Record, *people: tuple[str, str, bool]) -> None:
    with record.write() as connection:
        for name, role, active in people:
            values = {"secret_hash": "none", "created_at": AT, "created_by": "root"}
            connection.execute(
                operator.insert().values(name=name, role=role, active=active, **values)
            )


@pytest.mark.parametrize(
    ("people", "named", "acts"),
    [
        ([], "practice", "practice"),
        ([("root", "admin", True), ("nightly", "service", True)], "practice", "nightly"),
        ([("root", "admin", True), ("a", "service", True), ("b", "service", True)], "B", "b"),
        ([("root", "admin", True), ("a", "service", False), ("b", "service", True)], "a", "b"),
    ],
)
def test_it_acts_as_the_service(
    record: Record, people: list[tuple[str, str, bool]], named: str, acts: str
) -> None:
    hire(record, *people)
    assert acts_as(record, named) == acts
    with record.read() as connection:
        assert why_not(connection, named) == ""


@pytest.mark.parametrize(
    ("people", "says"),
    [
        ([("mia", "manager", True)], "cohort operators add NAME --service"),
        ([("mia", "manager", True), ("nightly", "service", False)], "nightly is disabled"),
        ([("a", "service", True), ("b", "service", True)], "say which one"),
    ],
)
def test_without_one_nothing_begins_and_health_says_why(
    record: Record, people: list[tuple[str, str, bool]], says: str
) -> None:
    hire(record, *people)
    with pytest.raises(NotAllowed, match=says) as refused:
        acts_as(record, "mia")
    assert refused.value.code == "service-missing"
    with record.read() as connection:
        facts = RecordFacts(created_at=AT, service=why_not(connection, "mia"))
    found = {
        one.code: one.says for one in judge(Facts(at=AT, record=facts, prefect=None), Health())
    }
    assert says in found["service-missing"]
