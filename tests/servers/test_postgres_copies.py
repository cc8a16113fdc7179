"""A database that a test before has used is as good as a new one."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.version import current
from tests.servers.postgres_copies import Copies


def test_rows_numbers_and_locks_are_gone(postgres_copies: Copies) -> None:
    with postgres_copies.empty() as url:
        first = Record.open(url)
        with first.write() as connection:
            connection.exec_driver_sql("INSERT INTO facility (code, name) VALUES ('F1', 'One')")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        held = first.engine.connect()
        held.exec_driver_sql("SELECT pg_advisory_lock(1)")

    with postgres_copies.empty() as again:
        assert again == url
        record = Record.open(again)
        with record.write() as connection:
            tables = sa.inspect(connection).get_table_names()
            rows = {
                t: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(t)))
                for t in tables
            }
            assert {t for t, count in rows.items() if count} == {"alembic_version"}
            assert (
                connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == current()
            )
            new = sa.text("INSERT INTO facility (code, name) VALUES ('F2', 'Two') RETURNING id")
            assert connection.scalar(new) == 1
            assert connection.scalar(sa.text("SELECT pg_try_advisory_lock(1)"))
        record.close()
    held.invalidate()
    first.close()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE facility ADD COLUMN x int",
        "DROP TABLE facility CASCADE",
        "CREATE TABLE more ()",
    ],
)
def test_one_whose_tables_were_changed_is_not_used_again(
    postgres_copies: Copies, change: str
) -> None:
    with postgres_copies.empty() as url:
        record = Record.open(url)
        with record.write() as connection:
            connection.exec_driver_sql(change)
        record.close()
    with postgres_copies.empty() as other:
        assert other != url
