"""NEW-35: the catalogue has an entry for every column, and none for a column that is not there."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.personal_data.catalogue import CATALOGUE, every_place, rows_of
from clinic.personal_data.entries.govern import ALEMBIC
from clinic.personal_data.kinds import PERSONAL, Erasure, Rows
from clinic.personal_data.reach import Subject
from clinic.record.database import Record
from clinic.record.schema import METADATA

TABLES = {**METADATA.tables, ALEMBIC.name: ALEMBIC}


def test_every_column_of_every_table_has_an_entry_and_every_entry_a_column() -> None:
    """NEW-35: whoever adds a column decides what it is, what for, how long and who is shown it."""
    are = {f"{table.name}.{column.name}" for table in TABLES.values() for column in table.c}
    said = [f"{one.name}.{name}" for one in CATALOGUE.values() for name in one.kinds]
    named = [
        f"{one.name}.{name}"
        for one in CATALOGUE.values()
        for names in one.columns.values()
        for name in names.split()
    ]
    assert are - set(said) == set(), "columns without an entry in clinic/personal_data/entries"
    assert set(said) - are == set(), "entries of columns that are not there"
    assert sorted(named) == sorted(set(named)), "a column is one kind"


def test_the_tables_of_a_record_are_those_of_the_catalogue(record: Record) -> None:
    """NEW-35: also what a migration made and no module describes has an entry, as Alembic's own table."""
    with record.read() as connection:
        found = {
            name for name in sa.inspect(connection).get_table_names() if name != "sqlite_sequence"
        }
    assert found == set(CATALOGUE)


def test_exceptions_of_an_entry_name_its_own_columns() -> None:
    """NEW-35: a reason for a column that was renamed would speak of nothing."""
    for one in CATALOGUE.values():
        for names in (one.hidden, one.erased, one.kept, one.third.split()):
            assert set(names) <= set(one.kinds), one.name


def test_what_is_not_shown_or_stays_has_a_reason() -> None:
    """NEW-35: an officer reads why a place is in no person's file, and why an erasure leaves it."""
    for held in every_place():
        assert (held.section is None) == bool(held.why_not), held.place
        assert (held.erasure is Erasure.KEEP) == bool(held.because), held.place


def test_no_value_of_a_person_stays_after_an_erasure() -> None:
    """NEW-36: of patients' rows no column of a person's kind is left unless a reason is given."""
    for one in CATALOGUE.values():
        if one.rows is Rows.NONE:
            assert not set(one.columns) & PERSONAL, (
                f"{one.name}: nobody's rows hold somebody's values"
            )
        for name, held in one.held.items():
            if held.kind in PERSONAL and held.erasure is Erasure.KEEP:
                assert name in one.kept, held.place


def test_a_table_with_a_persons_rows_says_how_they_are_reached(record: Record) -> None:
    """NEW-35: subject access and erasure walk the routes, a statement a table, on both databases."""
    one = Subject(
        keys=(1, -9990010064), addresses=("+447700900001",), names=("9990010064",), cells=("L1",)
    )
    with record.read() as connection:
        for held in CATALOGUE.values():
            assert bool(held.routes) == (held.rows is not Rows.NONE), held.name
            connection.execute(sa.select(held.table).where(rows_of(held.table, one))).all()
