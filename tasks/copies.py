"""
Two copies of one record on one Prefect server: the second worker refuses to start.

A copy has the record's own number, so both would have one work pool and do each other's work. Each worker's
name ends with the place of its record; one of another place that is online in the same pool is a copy's.
Further machines that work with one PostgreSQL record have the same place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from clinic.errors import NotAllowed
from clinic.message.sending.restore_guard import machine_id
from clinic.record.database import Record
from clinic.settings import Settings

if TYPE_CHECKING:
    from prefect.client.schemas.objects import Worker

MARK = " record-"  # in a worker's name, before the place


def place_of(record: Record) -> str:
    """Where a record is: its file on this machine, or its database in the cluster by whatever host."""
    if record.dialect == "sqlite":
        where = f"{machine_id()} {record.engine.url.database}"
    else:
        query = sa.text(
            "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || oid "
            "FROM pg_database WHERE datname = current_database()"
        )
        with record.read() as connection:
            where = str(connection.scalar(query))
    return hashlib.sha256(where.encode()).hexdigest()[:8]


def read_place(settings: Settings) -> str:
    """The same of the record that these settings lead to."""
    record = Record.open(settings.database_url)
    try:
        return place_of(record)
    finally:
        record.close()


def named(name: str, place: str) -> str:
    """A worker's name with the place of its record."""
    return f"{name}{MARK}{place}" if place else name


def refuse_copies(workers: Iterable[Worker], place: str, pool: str) -> None:
    """
    Keep this worker from the pool if a copy's polls it.

    Args:
        workers: of that pool, as the server knows them

    Raises:
        NotAllowed: one of them works with a record at another place
    """
    for worker in workers:
        theirs = worker.name.rpartition(MARK)[2] if MARK in worker.name else place
        if worker.status == "ONLINE" and theirs != place:
            raise NotAllowed(
                "record-copied",
                "another copy of this record is worked with on the same Prefect server: worker "
                f"'{worker.name}' "
                f"polls {pool}. Two copies would do each other's work, so this one does not start. Stop that "
                "one (cohort server stop there; after two minutes the server knows), or give this one a "
                "Prefect server of its own (prefect_port, without prefect_api_url)",
            )
