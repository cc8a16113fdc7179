"""When a record was last backed up, and whether that was checked: noted in the record itself."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.messages import installation


def note_backup(record: Record, taken_at: datetime) -> None:
    """A backup was made of what the record was then."""
    _note(record, installation.c.backup_at, taken_at)


def note_checked(record: Record, taken_at: datetime, install_id: str) -> None:
    """A backup of then was opened and is whole; of another installation's nothing is noted."""
    _note(
        record, installation.c.backup_checked_at, taken_at, installation.c.install_id == install_id
    )


def _note(
    record: Record, column: sa.Column[datetime], at: datetime, *of: sa.ColumnElement[bool]
) -> None:
    newer = column.is_(None) | (column < at)
    with record.write() as connection:
        connection.execute(sa.update(installation).where(newer, *of).values({column.name: at}))
