"""Who looks after follow-ups: a team of the practice, or one of its operators."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotFound
from clinic.record.schema.govern import operator
from clinic.record.schema.recall import recall_task

TEAMS: Final = ("managers", "reception", "scheduling")


def owner_named(connection: Connection, given: str) -> str:
    """
    The team or operator of this name; where the practice has no operators yet, whoever is named.

    Raises:
        NotFound: it has operators, and this is no team and none of the active ones
    """
    name = given.strip().lower()
    active = connection.scalars(sa.select(operator.c.name).where(operator.c.active)).all()
    if name in TEAMS or name in active or (name and not active):
        return name
    raise _unknown(given)


def asked_owner(connection: Connection, given: str) -> str:
    """
    Whose follow-ups are asked for: also of an operator who no longer works here, or of a name that has some.

    Raises:
        NotFound: this is no team and no operator, and has none
    """
    name = given.strip().lower()
    operators = connection.scalars(sa.select(operator.c.name)).all()
    has = sa.select(recall_task.c.owner).where(recall_task.c.owner == name).limit(1)
    if name in (*TEAMS, *operators) or connection.scalar(has) is not None:
        return name
    raise _unknown(given)


def _unknown(given: str) -> NotFound:
    return NotFound(
        "team-unknown",
        f"there is no team or active operator {given.strip() or 'without a name'}; teams: {', '.join(TEAMS)}; "
        "operators: cohort operators list",
    )
