"""What is left of what went: a stub with count, digest and authority, and an act that seals it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.govern.audit.trail import Act, write_act
from clinic.record.database import Record
from clinic.record.schema.govern import destruction

DESTROYED: Final = "retention.destroyed"
CLOCK: Final = "system"  # by the clock, and nobody in particular


@dataclass(frozen=True)
class Stub:
    """What went: a class, what it was of, how much, its digest and why it might go."""

    what: str
    subject: str
    subject_id: int | None
    count: int
    sha256: str
    authority: str
    gone_at: datetime


def digest_of_keys(keys: Iterable[int | str]) -> str:
    """Of rows that have no digest of their own."""
    return hashlib.sha256(",".join(map(str, keys)).encode()).hexdigest()


def leave_stub(
    connection: Connection, stub: Stub, *, by: str = CLOCK, approver: str | None = None
) -> None:
    """Write the stub, in the transaction that destroys."""
    values = {name: getattr(stub, name) for name in Stub.__dataclass_fields__}
    key = connection.execute(
        sa.insert(destruction).values(values).returning(destruction.c.id)
    ).scalar_one()
    act = Act(
        operator=by, approver=approver, operation_type=DESTROYED, subject="destruction",
        subject_id=int(key),
        new_values={
            name: values[name] for name in ("what", "subject", "subject_id", "count", "authority")
        },
    )  # fmt: skip
    write_act(connection, act, stub.gone_at, rows={destruction: [int(key)]})


def list_stubs(record: Record, *, limit: int) -> list[Stub]:
    """The latest, newest first."""
    query = sa.select(*(destruction.c[name] for name in Stub.__dataclass_fields__))
    with record.read() as connection:
        rows = connection.execute(query.order_by(destruction.c.id.desc()).limit(limit))
        return [Stub(*row) for row in rows]
