"""The migrations and the tables in the code say the same on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from clinic.change.fields import FIELDS
from clinic.errors import RecordUnsafe
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.schema import METADATA
from clinic.record.schema.people import EMAIL_PLAIN, MOBILE_TAIL, facility, patient
from clinic.record.version import current, first, found_version, require_current

# SQLite does not tell what an index of an expression is made of, and PostgreSQL in other words than ours
OF_EXPRESSIONS = {"ix_patient_mobile_tail", "ix_patient_email_plain"}


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_a_migrated_database_has_exactly_the_tables_of_the_code(record: Record) -> None:
    options = {"include_object": lambda _, name, *__: name not in OF_EXPRESSIONS}
    with record.read() as connection:
        found = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(found, METADATA) == []


def test_patients_of_a_number_are_found_by_an_index(record: Record) -> None:
    """However it was typed: else each batch that leaves would read every patient."""
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}[record.dialect]
    wanted = {MOBILE_TAIL: "ix_patient_mobile_tail", EMAIL_PLAIN: "ix_patient_email_plain"}
    with record.write() as connection:
        if record.dialect == "postgresql":  # of an empty table it would rather read all
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        for expression, index in wanted.items():
            query = sa.select(patient.c.id).where(
                is_any_of(sa.literal_column(expression, sa.Text), ["12345678", "87654321"])
            )
            text = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
            plan = connection.execute(sa.text(explain + text.replace(":", "\\:"))).all()
            assert index in str(plan)
            assert "SCAN patient" not in str(plan)


def test_a_migrated_database_has_exactly_the_defaults_and_checks_of_the_code(
    record: Record,
) -> None:
    """Alembic does not compare them, or not as both databases write them."""
    with record.read() as connection:
        found = sa.inspect(connection)
        given = {
            (table, column["name"]): _plain(column["default"])
            for table in METADATA.tables
            for column in found.get_columns(table)
        }
        made = {
            (table, str(check["name"])): _values(str(check["sqltext"]))
            for table in METADATA.tables
            for check in found.get_check_constraints(table)
        }
    assert given == {
        (name, column.name): _plain(getattr(column.server_default, "arg", None))
        for name, table in METADATA.tables.items()
        for column in table.columns
    }
    assert made == {
        (name, str(check.name)): _values(str(check.sqltext))
        for name, table in METADATA.tables.items()
        for check in table.constraints
        if isinstance(check, sa.CheckConstraint)
    }


def _plain(default: object) -> str | None:
    """`'active'::character varying`, `'active'` and `active` are the same; a number of a sequence is none."""
    if default is None or str(default).startswith("nextval("):
        return None
    return str(default).partition("::")[0].strip("'")


def _values(condition: str) -> list[str]:
    """What a condition allows: PostgreSQL writes `IN (…)` another way."""
    return re.findall(r"'(\w+)'", condition)


def test_each_field_that_operations_change_is_watched(record: Record) -> None:
    """An undo leaves alone what somebody else changed since: the database itself notes that."""
    catalogue = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    }
    with record.read() as connection:
        names = connection.scalars(sa.text(catalogue[record.dialect])).all()
    watched = {name.removeprefix("note_") for name in names if name.startswith("note_")}
    # A tag is given and taken as a row; an export changes nothing; a visit that was booked is new
    assert watched == {*FIELDS, "tag_insert", "tag_delete"} - {"tag", "export", "visit"}


def test_migrating_again_changes_nothing(record: Record) -> None:
    migrate(record)
    require_current(record)


def test_the_version_that_the_code_asks_for_is_the_last_migration(record: Record) -> None:
    with record.read() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == current()


def test_a_record_of_the_first_version_goes_on_with_all_that_is_in_it(tmp_path: Path) -> None:
    """0062 is what records had before the one first migration: its name may not change."""
    record = Record.open(f"sqlite:///{tmp_path / 'first.db'}")
    migrate(record, "0062")
    with record.write() as connection:
        connection.execute(sa.text("INSERT INTO facility (code, name) VALUES ('F1', 'Hill')"))
    migrate(record)
    with record.read() as connection:
        assert connection.scalars(sa.select(facility.c.name)).all() == ["Hill"]
    require_current(record)
    record.close()
    assert first() == "0062"


@pytest.mark.parametrize("refuses", [require_current, migrate])
@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("9041", "a newer Cohort made this record"),
        ("0060", "an earlier Cohort made this record"),
        ("0009", "an earlier Cohort made this record"),
        ("0000", "an earlier Cohort made this record"),
    ],
)
def test_a_record_of_a_version_that_is_not_known_is_refused_and_left_as_it_is(
    record: Record, version: str, says: str, refuses: Callable[[Record], None]
) -> None:
    """By a command and by `cohort init` alike, and neither says to run the other without more."""
    with record.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    with pytest.raises(RecordUnsafe, match=says) as told:
        refuses(record)
    assert told.value.code == "record-version"
    assert f"version {version}" in told.value.says
    # A newer record needs no init; an older one needs another program first
    assert ("cohort init" in told.value.says) == ("docs/running.md" in told.value.says)
    assert found_version(record) == version
