"""
When each person was last here, and who was away too long (NEW-38).

Written once an hour at most, so that a look costs no writing. Who was never here counts from the day on which
they were added. The last admin is never dormant: nobody could let anybody in again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.record.database import Record
from clinic.record.schema.govern import operator, operator_use

OFTEN: Final = timedelta(hours=1)
SOON: Final = timedelta(days=14)  # said so long before somebody is dormant


@dataclass(frozen=True)
class Use:
    """When somebody signed in last, and was last here."""

    signed_in_at: datetime | None
    used_at: datetime


def note_use(record: Record, clock: Clock, name: str, *, signed_in: bool = False) -> None:
    """This person is here now."""
    now, own = clock.now(), operator_use.c.operator == name
    with record.read() as connection:
        last = connection.scalar(sa.select(operator_use.c.used_at).where(own))
    if last is not None and now - last < OFTEN and not signed_in:
        return
    values = {"used_at": now, **({"signed_in_at": now} if signed_in else {})}
    with record.write() as connection:
        if not connection.execute(sa.update(operator_use).where(own).values(**values)).rowcount:
            connection.execute(sa.insert(operator_use).values(operator=name, **values))


def uses(connection: Connection) -> Mapping[str, Use]:
    """Of each person."""
    o, u = operator.c, operator_use.c
    rows = connection.execute(
        sa.select(o.name, u.signed_in_at, u.used_at, o.created_at).outerjoin_from(
            operator, operator_use, u.operator == o.name
        )
    )
    return {row.name: Use(row.signed_in_at, row.used_at or row.created_at) for row in rows}


def dormant_at(connection: Connection, days: int) -> Mapping[str, datetime]:
    """When each active person is disabled if they are not here before; nobody where `days` is 0."""
    o = operator.c
    rows = connection.execute(sa.select(o.name, o.role).where(o.active, o.role != "service")).all()
    admins = [row.name for row in rows if row.role == "admin"]
    stays = admins if len(admins) == 1 else []
    last = uses(connection)
    ends = {row.name: last[row.name].used_at + timedelta(days=days) for row in rows if days}
    return {name: at for name, at in ends.items() if name not in stays}


def dormant(connection: Connection, days: int, before: datetime) -> list[str]:
    """Who is dormant at that instant; of several admins the one who was here last stays."""
    ends = dormant_at(connection, days)
    found = sorted((at, name) for name, at in ends.items() if at <= before)
    admins = set(
        connection.scalars(
            sa.select(operator.c.name).where(operator.c.active, operator.c.role == "admin")
        )
    )
    if admins and admins <= {name for _, name in found}:
        found = [each for each in found if each[1] != max((ends[a], a) for a in admins)[1]]
    return [name for _, name in found]
