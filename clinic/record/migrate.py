"""Brings a record database to the tables this code expects."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from clinic.errors import RecordUnsafe
from clinic.record.database import Record

_SCRIPTS = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config


def migrate(record: Record, revision: str = "head") -> None:
    """Run the migrations up to `revision`; running again changes nothing. One transaction."""
    config = _config()
    with record.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def require_current(record: Record) -> None:
    """
    Refuse a database whose tables are of another version of this code.

    Raises:
        RecordUnsafe: with the command that mends it
    """
    expected = ScriptDirectory.from_config(_config()).get_current_head()
    with record.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != expected:
        raise RecordUnsafe(
            "record-version",
            f"the record database is at version {found or 'none'}, this program needs {expected}; "
            "run: cohort init",
        )


def drop_everything(record: Record) -> None:
    """Empty the database, tables and all: for tests and `cohort demo --fresh` only."""
    with record.write() as connection:
        found = sa.MetaData()
        found.reflect(connection)
        found.drop_all(connection)
