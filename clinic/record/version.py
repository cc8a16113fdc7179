"""Whether a record has the tables that this code expects, told without Alembic, whose import costs 0.2 s."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from clinic.errors import NotSetUp, RecordUnsafe
from clinic.record.database import Record

# The last link in the chain of clinic/record/migrations; a test compares them
CURRENT: Final = "0020"

# Alembic's own table: one row, the version
_VERSION: Final = sa.table("alembic_version", sa.column("version_num"))


def require_current(record: Record) -> None:
    """
    Refuse a database whose tables are of another version of this code.

    Raises:
        NotSetUp: it has no tables at all
        RecordUnsafe: with the command that mends it
    """
    with record.read() as connection:
        found = None
        if sa.inspect(connection).has_table(_VERSION.name):
            found = connection.scalar(sa.select(_VERSION.c.version_num))
    if found is None:
        raise NotSetUp(
            "not-set-up",
            "this installation is not set up yet, so nothing was done; run: cohort init",
        )
    if found != CURRENT:
        raise RecordUnsafe(
            "record-version",
            f"the record database is at version {found or 'none'}, this program needs {CURRENT}; "
            "run: cohort init",
        )
