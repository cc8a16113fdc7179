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

from collections.abc import Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotAllowed
from clinic.record.database import Record
from clinic.record.schema.govern import operator

MISSING: Final = "service-missing"
_ADD: Final = "an admin adds one: cohort operators add NAME --service"


class _Person(NamedTuple):
    name: str
    role: str
    active: bool


def acts_as(record: Record, named: str) -> str:
    """
    In whose name what runs by schedule acts.

    Args:
        named: as the settings have it: `operator`

    Raises:
        NotAllowed: people work here and no service may act, or it is not said which of several
    """
    with record.read() as connection:
        people = _people(connection)
    if why := _why_not(people, named):
        raise NotAllowed(MISSING, why)
    active = _services(people, active=True)
    return active[0] if len(active) == 1 else named.strip().lower() if active else named


def why_not(connection: Connection, named: str) -> str:
    """Why nothing of a schedule begins; empty: it does."""
    return _why_not(_people(connection), named)


def _why_not(people: Sequence[_Person], named: str) -> str:
    active = _services(people, active=True)
    if not people or len(active) == 1 or named.strip().lower() in active:
        return ""
    if active:
        return (
            f"there are several services ({', '.join(active)}): say which one schedules act as, as operator in "
            "the settings"
        )
    ended = _services(people, active=False)
    gone = f" ({', '.join(ended)} is disabled)" if ended else ""
    return f"what runs by schedule acts as a named service, and there is none{gone}: {_ADD}"


def _people(connection: Connection) -> list[_Person]:
    query = sa.select(operator.c.name, operator.c.role, operator.c.active).order_by(operator.c.name)
    return [_Person(*row) for row in connection.execute(query)]


def _services(people: Sequence[_Person], *, active: bool) -> list[str]:
    return [one.name for one in people if one.role == "service" and one.active is active]
