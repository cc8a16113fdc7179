"""What was compiled for one record is not compiled again for the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from clinic.record.database import Record, key_of, use_key
from clinic.record.schema.people import facility

_of_a_test = sa.table("of_a_test", sa.column("n"))


def found_compiled(record: Record, statement: sa.Select[Any]) -> bool:
    with record.read() as connection:
        context: Any = connection.execute(statement).context
        return bool(context.cache_hit.name == "CACHE_HIT")


def test_a_second_record_finds_what_the_first_one_compiled(record_url: str) -> None:
    statement = sa.select(facility.c.id.label("only_here"))
    first = Record.open(record_url)
    assert not found_compiled(first, statement)
    first.close()

    second = Record.open(record_url)
    assert found_compiled(second, statement)
    second.close()


def test_each_record_keeps_its_own_rows_and_options(
    record_url: str, elsewhere: str, tmp_path: Path
) -> None:
    """Sharing goes no further than the text of statements."""
    (tmp_path / "elsewhere").mkdir()
    here, there = Record.open(record_url), Record.open(elsewhere)
    use_key(here, b"of here")
    for record, number in ((here, 1), (there, 2)):
        with record.write() as connection:
            connection.exec_driver_sql("CREATE TABLE of_a_test (n integer)")
            connection.execute(sa.insert(_of_a_test).values(n=number))

    for record, number, key in ((here, 1, b"of here"), (there, 2, None)):
        with record.read() as connection:
            assert connection.scalars(sa.select(_of_a_test.c.n)).all() == [number]
            assert key_of(connection) == key
        record.close()
