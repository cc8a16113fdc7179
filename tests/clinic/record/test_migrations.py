"""The migrations and the tables in the code say the same on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from clinic.errors import RecordUnsafe
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.record.schema import METADATA
from clinic.record.version import current, found_version, require_current


def test_a_migrated_database_has_exactly_the_tables_of_the_code(record: Record) -> None:
    with record.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_migrating_again_changes_nothing(record: Record) -> None:
    migrate(record)
    require_current(record)


def test_the_version_that_the_code_asks_for_is_the_last_migration(record: Record) -> None:
    with record.read() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == current()


def test_a_database_of_another_version_is_refused_with_what_to_do(record: Record) -> None:
    with record.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0009'"))
    with pytest.raises(RecordUnsafe, match="cohort init"):
        require_current(record)


def test_a_record_of_a_newer_program_is_refused_and_left_as_it_is(record: Record) -> None:
    """By a command and by `cohort init` alike, and neither says to run the other."""
    with record.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9041'"))
    for refuses in (require_current, migrate):
        with pytest.raises(RecordUnsafe, match="newer Cohort made this record") as told:
            refuses(record)
        assert (told.value.code, "cohort init" in told.value.says) == ("record-version", False)
    assert found_version(record) == "9041"


def test_a_trail_of_before_the_first_release_is_left_as_it_is(
    tmp_path: Path,
) -> None:
    """NEW-10: what proves what was done is not dropped unseen."""
    old = Record.open(f"sqlite:///{tmp_path / 'old.db'}")
    migrate(old, "0009")
    with old.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO audit_item VALUES ('operation-1', 1, 1, '{}', '{}')"
        )
    with pytest.raises(RecordUnsafe, match="audit-older"):
        migrate(old)
    with old.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM audit_item").scalar() == 1
    old.close()
