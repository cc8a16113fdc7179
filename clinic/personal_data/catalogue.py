"""
The catalogue: every place that holds data, and the routes from a person to their rows.

    CATALOGUE["patient"].held["mobile"]     one column
    FILES, PREFECT                          files by their pattern, and what Prefect keeps
    every_place()                           all of it as one list
    rows_of(table, subject)                 which rows of a table are this person's
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from clinic.personal_data.entries.change import CHANGE
from clinic.personal_data.entries.choices import CHOICES
from clinic.personal_data.entries.door import DOOR
from clinic.personal_data.entries.files import FILES, PREFECT
from clinic.personal_data.entries.govern import GOVERN
from clinic.personal_data.entries.lists import LISTS
from clinic.personal_data.entries.messages import MESSAGES
from clinic.personal_data.entries.people import PEOPLE
from clinic.personal_data.entries.systems import SYSTEMS
from clinic.personal_data.held import Held, TableHeld
from clinic.personal_data.reach import Routes, Subject, condition

_ALL: Final = (*PEOPLE, *CHOICES, *MESSAGES, *DOOR, *LISTS, *CHANGE, *GOVERN, *SYSTEMS)
CATALOGUE: Final[Mapping[str, TableHeld]] = MappingProxyType({one.name: one for one in _ALL})
ROUTES: Final[Routes] = MappingProxyType({one.name: one.routes for one in _ALL})


def every_place() -> Iterator[Held]:
    """Each column, each kind of file, each thing of Prefect's."""
    for one in _ALL:
        yield from one.held.values()
    yield from (file.held for file in FILES)
    yield from (thing.held for thing in PREFECT)


def rows_of(table: sa.Table, subject: Subject) -> ColumnElement[bool]:
    """Which rows of the table are this person's, as a condition."""
    return condition(table, subject, ROUTES)


def rows_of_others(table: sa.Table, subject: Subject) -> ColumnElement[bool]:
    """Which rows of the table are somebody else's and have this person in them, as a condition."""
    also = {**ROUTES, str(table.name): CATALOGUE[table.name].also}
    return condition(table, subject, also) & sa.not_(
        sa.func.coalesce(rows_of(table, subject), sa.false())
    )
