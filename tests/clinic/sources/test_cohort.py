"""Issue 16: a cohort from a query is a list like any other; asked for again, it is the same."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.cohort.rows import get_list
from clinic.errors import ListRefused, NotAllowed, NotFound, SourceRefused
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.record.database import Record
from clinic.record.schema.govern import operator, operator_facilities
from clinic.record.schema.lists import cohort_list, list_row
from clinic.settings import Settings
from clinic.sources.cohort import take_in_cohort, with_list
from tests.fakes import FakeClock


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with sqlite3.connect(tmp_path / "w.db") as database:
        database.execute("CREATE TABLE due (nhs TEXT, ward TEXT)")
        database.execute("INSERT INTO due VALUES ('9990000018', 'Elm'), ('nobody', 'Ash')")
    database.close()
    (tmp_path / "flu-due.sql").write_text('SELECT nhs AS "NHS Number", ward AS "Ward" FROM due')
    (tmp_path / "wards.sql").write_text("SELECT ward FROM due")
    source = {"type": "sql", "url": f"sqlite:///{tmp_path / 'w.db'}", "queries": str(tmp_path)}
    files = {"type": "files", "folder": str(tmp_path), "patterns": {"groups": "g.csv"}}
    sources = {"warehouse": source, "emis": files}
    return Settings.model_validate({"home": tmp_path / "home", "sources": sources})


def take_in(
    record: Record,
    settings: Settings,
    query: str = "flu-due",
    source: str = "warehouse",
    key: str = "k",
) -> int:
    return take_in_cohort(
        record, FakeClock(), settings, source=source, query=query, request_key=key, name="Flu", taken_by="nia"
    )  # fmt: skip


def test_each_row_of_the_query_is_a_row_of_the_list(record: Record, settings: Settings) -> None:
    number = take_in(record, settings)
    with record.read() as connection:
        made = get_list(connection, number)
        named = connection.scalar(sa.select(cohort_list.c.file_name))
        rows = connection.execute(
            sa.select(list_row.c.row_number, list_row.c.cells).order_by(list_row.c.row_number)
        ).all()
    assert (made.rows, named) == (2, "flu-due.sql")
    assert [row.row_number for row in rows] == [2, 3]
    assert '"9990000018"' in rows[0].cells
    assert not list((settings.home / "sources").rglob("*.sql"))


def test_the_same_request_is_the_same_list_though_the_query_gives_others_by_then(
    record: Record, settings: Settings, tmp_path: Path
) -> None:
    """A retried run of the flow has the same key: nobody is added to what was begun."""
    first = take_in(record, settings)
    with sqlite3.connect(tmp_path / "w.db") as database:
        database.execute("INSERT INTO due VALUES ('9990000026', 'Elm')")
    database.close()
    assert take_in(record, settings) == first
    assert take_in(record, settings, key="another") != first
    request = MessageRequest(
        list_name="Flu", cohort=CohortChoice(source="warehouse", query="flu-due"), template="t"
    )
    known = with_list(record, FakeClock(), settings, request, request_key="k")
    assert known.cohort == CohortChoice(list_id=first)


@pytest.mark.parametrize(
    ("source", "query", "kind"),
    [
        ("nowhere", "flu-due", NotFound),
        ("emis", "flu-due", SourceRefused),
        ("warehouse", "other", SourceRefused),
        ("warehouse", "wards", ListRefused),
    ],
)
def test_what_gives_no_cohort_is_refused_and_leaves_no_list(
    record: Record, settings: Settings, source: str, query: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        take_in(record, settings, query, source)
    with record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(list_row)) == 0


def test_whoever_is_tied_to_a_facility_takes_nothing_in_of_a_query(
    record: Record, settings: Settings
) -> None:
    """NEW-38: nobody knows whose patients its rows are, of whom the record need not know; no file is left."""
    with record.write() as connection:
        now = FakeClock().now()
        nia = {"name": "nia", "role": "manager", "secret_hash": "none", "created_by": "root"}
        connection.execute(sa.insert(operator).values({**nia, "created_at": now}))
        values = {"operator": "nia", "codes": "Mill", "set_at": now, "set_by": "root"}
        connection.execute(sa.insert(operator_facilities).values(values))
    with pytest.raises(NotAllowed, match="other-facility"):
        take_in(record, settings)
    with record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(cohort_list)) == 0
    assert not (settings.home / "sources").exists()
