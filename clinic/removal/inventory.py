"""What an installation has on this machine, told before it is removed, and by what it would be found again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign, installation, message
from clinic.record.schema.people import patient

_SAMPLE: Final = 300  # patients whose values are looked for; whoever has one file of them has many
_LEAST: Final = 8  # a shorter value is in many a file


@dataclass(frozen=True)
class Inventory:
    """
    What there is.

    open_campaigns: those of which something could still be sent
    marks: values of patients, and the installation's name, by which its data is recognised
    """

    install_id: str
    patients: int
    messages: int
    open_campaigns: int
    marks: tuple[str, ...]


def take_inventory(record: Record) -> Inventory:
    """What the record has, and a sample of what would give it away elsewhere."""
    ended = campaign.c.state.in_(states.ENDED)
    with record.read() as connection:
        name = str(connection.execute(sa.select(installation.c.install_id)).scalar_one())
        return Inventory(
            install_id=name,
            patients=_count(connection, patient),
            messages=_count(connection, message),
            open_campaigns=_count(connection, campaign, ~ended),
            marks=(name, *_marks(connection)),
        )


def is_sending(record: Record, now: datetime) -> bool:
    """Whether a process holds a batch now."""
    leased = sa.select(batch.c.id).where(batch.c.state == states.LEASED, batch.c.lease_until > now)
    with record.read() as connection:
        return bool(connection.scalar(sa.select(leased.exists())))


def _count(connection: Connection, table: sa.Table, *of: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(*of)
    return int(connection.execute(query).scalar_one())


def _marks(connection: Connection) -> list[str]:
    """Numbers and addresses of patients from all over the record."""
    last = connection.scalar(sa.select(sa.func.max(patient.c.id))) or 0
    step = max(1, last // _SAMPLE)
    rows = connection.execute(
        sa.select(patient.c.nhs_number, patient.c.mobile, patient.c.email)
        .where(patient.c.id % step == 0)
        .limit(_SAMPLE)
    )
    values = {str(value) for row in rows for value in row if value}
    # A list has 07700900123 for what the record has as +447700900123
    values |= {f"0{value[3:]}" for value in values if value.startswith("+44")}
    return sorted(value for value in values if len(value) >= _LEAST)
