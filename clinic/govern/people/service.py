"""
Whom a schedule acts as: a named service, which an admin adds and may end (NEW-38).

    nobody was added yet ─────────────────────► in the name that the settings have
    one service that is active ───────────────► in its name
    several ──────────────────────────────────► in that one's which the settings name as operator
    none, or it was disabled ─────────────────► refused: nothing of the schedule begins

What applies receipts and replies, and what goes on with what people asked for, needs no service: a STOP is
never unheard because an account has ended (the recurring flow that reconciles).
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotAllowed
from clinic.record.database import Record
from clinic.record.schema.govern import operator

MISSING: Final = "service-missing"
_ADD: Final = "an admin adds one: cohort operators add NAME --service"


def acts_as(record: Record, named: str) -> str:
    """
    In whose name what runs by schedule acts.

    Args:
        named: as the settings have it: `operator`

    Raises:
        NotAllowed: people work here and no service may act, or it is not said which of several
    """
    with record.read() as connection:
        why = why_not(connection, named)
        if why:
            raise NotAllowed(MISSING, why)
        active = _active(connection)
    if not active:
        return named
    return active[0] if len(active) == 1 else named.strip().lower()


def why_not(connection: Connection, named: str) -> str:
    """Why nothing of a schedule begins; empty: it does."""
    if connection.scalar(sa.select(operator.c.name).limit(1)) is None:
        return ""
    active = _active(connection)
    if len(active) == 1 or named.strip().lower() in active:
        return ""
    if active:
        return (
            f"there are several services ({', '.join(active)}): say which one schedules act as, as operator in "
            "the settings"
        )
    ended = _services(connection)
    gone = f" ({', '.join(ended)} is disabled)" if ended else ""
    return f"what runs by schedule acts as a named service, and there is none{gone}: {_ADD}"


def _active(connection: Connection) -> list[str]:
    return _services(connection, operator.c.active)


def _services(connection: Connection, *which: sa.ColumnElement[bool]) -> list[str]:
    query = sa.select(operator.c.name).where(operator.c.role == "service", *which)
    return list(connection.scalars(query.order_by(operator.c.name)))
