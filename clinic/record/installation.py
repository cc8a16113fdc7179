"""Which installation this database is: gateways know it by this name, and keys are made from it."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.record.database import Record
from clinic.record.schema.messages import installation


def install(record: Record, clock: Clock, install_id: str | None = None) -> str:
    """Name this database, once; its name."""
    with record.write() as connection:
        found = connection.execute(sa.select(installation.c.install_id)).scalar_one_or_none()
        if found is not None:
            return str(found)
        name = install_id or str(uuid.uuid4())
        connection.execute(
            sa.insert(installation).values(id=1, install_id=name, created_at=clock.now())
        )
        return name
