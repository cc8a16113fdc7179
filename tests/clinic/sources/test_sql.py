"""Issue 16: databases as sources, on SQLite, DuckDB and PostgreSQL: exact values, and nothing written."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from clinic.cohort.files import open_list
from clinic.errors import SourceDown, SourceProblem, SourceRefused
from clinic.settings import SourceSettings
from clinic.sources.sql.query import Query
from clinic.sources.sql.source import SqlSource
from clinic.sources.staging import staging

MAKE = (
    "CREATE TABLE slot (id BIGINT, nhs VARCHAR(20), starts TIMESTAMP, cost NUMERIC(8,2), note VARCHAR(90))",
    "INSERT INTO slot VALUES (9007199254740993, '9990000018', '2026-03-02 09:30:00', 10.50, 'a,\"b''s %s')",
    "INSERT INTO slot VALUES (2, '9990000026', NULL, NULL, '')",
)
QUERY = (
    "SELECT id AS \"Slot ID\", nhs AS \"NHS Number\", starts AS \"Start\", cost, note FROM slot "
    "WHERE note NOT LIKE '%:x%' -- all; of them\nORDER BY nhs;\n"
)  # fmt: skip


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        with sqlite3.connect(tmp_path / "w.db") as database:
            for statement in MAKE:
                database.execute(statement)
        database.close()
        yield f"sqlite:///{tmp_path / 'w.db'}"
    elif request.param == "duckdb":
        with duckdb.connect(str(tmp_path / "w.duckdb")) as base:
            for statement in MAKE:
                base.execute(statement)
        yield f"duckdb:///{tmp_path / 'w.duckdb'}"
    else:
        engine = sa.create_engine(request.getfixturevalue("postgres_url"))
        with engine.begin() as connection:
            for statement in ("DROP TABLE IF EXISTS slot", *MAKE):
                connection.execute(sa.text(statement))
        yield engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
        engine.dispose()


def source(url: str, folder: Path, *, seconds: float = 60, **queries: str) -> SqlSource:
    for name, text in queries.items():
        (folder / f"{name.replace('_', '-')}.sql").write_text(text)
    settings = SourceSettings(
        type="sql", url=SecretStr(url), queries=str(folder), timeout_seconds=seconds
    )
    return SqlSource("warehouse", settings, "Europe/London")


def test_rows_come_exactly_as_they_are(url: str, tmp_path: Path) -> None:
    asked = source(url, tmp_path, appointments=QUERY, flu_due="SELECT 1 AS x")
    assert asked.kinds() == ("appointments",)
    assert asked.cohorts() == ["flu-due"]
    with staging(tmp_path / "home", "warehouse") as into:
        (fetched,) = asked.fetch("appointments", into)
        assert fetched.path.stat().st_mode & 0o777 == 0o600
        (block,) = open_list(fetched.path).blocks()
    assert (fetched.rows, fetched.origin) == (2, "appointments.sql")
    assert block.frame["Slot ID"].tolist() == ["9007199254740993", "2"]
    assert block.frame["Start"].tolist() == ["2026-03-02 09:30:00", ""]
    assert block.frame["note"].tolist() == ["a,\"b's %s", ""]
    assert block.frame["cost"].tolist()[0] in ("10.50", "10.5")  # SQLite has no decimals
    assert not into.exists()


def test_a_check_counts_and_keeps_nothing(url: str, tmp_path: Path) -> None:
    answer = source(url, tmp_path, appointments=QUERY).check("appointments")
    assert (answer.rows, answer.problem) == (2, "")
    assert answer.columns == ("Slot ID", "NHS Number", "Start", "cost", "note")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("DELETE FROM slot", "source-query"),
        ("DELETE FROM slot RETURNING id", "source-query"),
        ("SELECT 1 AS a; DELETE FROM slot", "source-query"),
        ("SELECT 1 AS a, 2 AS A", "source-query"),
        ("SELECT nothing FROM nowhere", "source-query"),
        ("", "source-query"),
        ("SELECT CAST(9007199254740994 AS DOUBLE PRECISION) AS id", "source-query"),
    ],
)  # fmt: skip
def test_what_is_no_question_is_refused_and_changes_nothing(
    url: str, tmp_path: Path, query: str, code: str
) -> None:
    asked = source(url, tmp_path, groups=query, appointments=QUERY)
    with pytest.raises(SourceRefused) as refused:
        list(asked.fetch("groups", tmp_path))
    assert refused.value.code == code
    assert "9990000018" not in refused.value.says
    assert asked.check("groups").problem == refused.value.says
    assert asked.check("appointments").rows == 2


def test_a_column_of_when_rows_changed_that_says_no_time_is_refused(
    url: str, tmp_path: Path
) -> None:
    """Else the age of the whole would not be known, and nobody would be told."""
    made = source(url, tmp_path, appointments="SELECT nhs AS updated_at FROM slot")
    with (
        pytest.raises(SourceRefused, match=r"updated_at.*is no time"),
        staging(tmp_path, "w") as into,
    ):
        list(made.fetch("appointments", into))


def test_a_query_with_since_gives_what_changed_and_all_without(url: str, tmp_path: Path) -> None:
    """Colons in texts, casts and comments stay what they are."""
    query = (
        'SELECT id AS "Slot ID", \':since\' AS "a:b" FROM slot -- not :since\n'
        "WHERE starts >= :since AND note NOT LIKE '%:x'"
    )
    made = source(url, tmp_path, appointments=query)
    for since, rows, whole in (
        (None, 1, True),
        (datetime(2026, 3, 2, 9, 30, tzinfo=UTC), 1, False),
        (datetime(2026, 3, 2, 9, 31, tzinfo=UTC), 0, False),
    ):
        with staging(tmp_path, "w") as into:
            (found,) = made.fetch("appointments", into, since=since)
        assert (found.rows, found.whole) == (rows, whole)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT * INTO copy FROM slot", True),
        ("WITH a AS (SELECT 1) DELETE FROM slot", True),
        ("SELECT 1 AS a EXEC sp_x", True),
        ("SELECT 'drop', \"delete\", [into], updated -- insert\nFROM slot", False),
    ],
)
def test_a_database_without_read_only_transactions_gets_no_word_that_writes(
    sql: str, says: bool
) -> None:
    """SQL Server has none: there its login and this see to it."""
    assert Query("q", sql).says_to_write is says


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:p@db.example.org/w", "mariadb://u:p@db.example.org/w?ssl_check_hostname=false&ssl_ca=/x",
        "postgresql://u:p@db.example.org/w",
    ],
)  # fmt: skip
def test_a_database_on_another_machine_is_asked_by_tls_that_proves_whose_it_is(
    tmp_path: Path, url: str
) -> None:
    made = source(url, tmp_path, appointments="SELECT 1 AS a")
    with pytest.raises(SourceRefused, match="without TLS"):
        list(made.fetch("appointments", tmp_path))


def test_a_query_that_takes_too_long_is_ended(url: str, tmp_path: Path) -> None:
    count = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000000000) "
        "SELECT max(x) AS x FROM n"
    )
    asked = source(url, tmp_path, seconds=0.3, groups=count)
    with pytest.raises(SourceDown) as refused:
        list(asked.fetch("groups", tmp_path))
    assert refused.value.code == "source-slow"


def test_the_newest_row_is_known_where_a_column_says_when_it_changed(
    url: str, tmp_path: Path
) -> None:
    """A time without an offset is one of the organisation's zone: in July it is an hour ahead of UTC."""
    query = "SELECT 1 AS a, CAST('2026-07-01 10:00:00' AS TIMESTAMP) AS updated_at"
    answer = source(url, tmp_path, groups=query).check("groups")
    known = None if url.startswith("sqlite") else datetime(2026, 7, 1, 9, tzinfo=UTC)
    assert answer.newest == known  # SQLite has no times


@pytest.mark.parametrize(
    ("url", "kind", "code"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/x", SourceDown, "source-down"),
        ("postgresql://u:hunter2@db.invalid/x", SourceRefused, "source-tls"),
        ("sqlite:////nowhere/hunter2.db", SourceRefused, "source-url"),
        ("hunter2", SourceRefused, "source-url"),
        ("oracel://u:hunter2@x/y", SourceRefused, "source-driver"),
        ("duckdb:////nowhere/x.duckdb?token=hunter2", SourceProblem, ""),
    ],
)  # fmt: skip
def test_a_database_that_is_not_there_is_said_without_its_password(
    tmp_path: Path, url: str, kind: type[SourceProblem], code: str
) -> None:
    asked = source(url, tmp_path, groups="SELECT 1 AS a")
    with pytest.raises(kind) as refused:
        list(asked.fetch("groups", tmp_path))
    assert code in refused.value.code
    if "nowhere" not in url:
        assert "hunter2" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("name", ["../x", "x.sql", "SELECT 1", "none", "/etc/passwd", ""])
def test_a_query_is_a_name_of_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "x.sql").write_text("SELECT 1 AS a")
    asked = source("sqlite://", tmp_path / "inner")
    with pytest.raises(SourceRefused) as refused:
        asked.fetch_cohort(name, tmp_path)
    assert refused.value.code == "source-no-query"
