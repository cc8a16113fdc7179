"""Brings a record database to the tables this code expects."""

from __future__ import annotations

import warnings
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from clinic.record.database import Record
from clinic.record.version import current, found_version, require_known

_SCRIPTS = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config


def migrate(record: Record, revision: str = "head") -> None:
    """
    Run the migrations up to `revision`; running again changes nothing. One transaction.

    Raises:
        RecordUnsafe: a newer program made these tables, or one too old to be upgraded from
    """
    found = found_version(record)
    require_known(found)
    if revision == "head" and found == current():
        return  # Alembic reads every one of its files before it says so
    config = _config()
    with record.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def drop_everything(record: Record) -> None:
    """Empty the database, tables and all: for tests and `cohort demo --fresh` only."""
    with record.write() as connection:
        found = sa.MetaData()
        with warnings.catch_warnings():  # SQLite does not tell of what an index of an expression is
            warnings.simplefilter("ignore", sa.exc.SAWarning)
            found.reflect(connection)
        found.drop_all(connection)
