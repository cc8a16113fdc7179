"""What a campaign needs of a list's columns: the choice of clinic/cohort/keeping.py, made for its template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.keeping import Keeping, Kept, choose
from clinic.message.intake.cells import speaks
from clinic.message.intake.says_no import kind_of
from clinic.message.template.variables import list_variables
from clinic.record.database import Record
from clinic.record.schema.lists import template, template_variant, template_version
from clinic.record.template_versions import select_version

_CHANNELS: Final = ("sms", "email", "voice")


def keeping_for(
    record: Record, key: str | None, version: int | None, asked: Mapping[str, str]
) -> Keeping:
    """
    How a list that is imported for this template is thinned; by no template at all where none is named yet.

    asked: column → why it is kept besides
    """
    names: frozenset[str] = frozenset()
    if key is not None:
        with record.read() as connection:
            names = frozenset(_names(connection, key, version))
    return partial(_choose, names=names, asked=asked)


def _choose(
    columns: Sequence[str],
    fields: Mapping[str, str],
    *,
    names: frozenset[str],
    asked: Mapping[str, str],
) -> Kept:
    # A heading without its column's letter is every column of that heading: the refusal names them later
    printed = [place for name, place in list_variables(columns).items() if name in names]
    return choose(columns, fields, read=is_read, printed=printed, asked=asked, speaks=speaks)


def is_read(heading: str) -> bool:
    """Whether the checks read a column of this heading, by any channel (NEW-26)."""
    return any(kind_of(heading, channel) for channel in _CHANNELS)


def _names(connection: Connection, key: str, version: int | None) -> Iterator[str]:
    """The list's columns that the template names, and those in other languages and formats (NEW-32)."""
    own = select_version(key, version, template_version.c.variables, template.c.id)
    for variables, template_id in connection.execute(own).tuples().all():
        yield from _of_list(variables)
        others = (
            sa.select(template_version.c.variables)
            .join(template_variant, template_variant.c.variant_id == template_version.c.template_id)
            .where(template_variant.c.template_id == template_id)
        )
        for text in connection.scalars(others):
            yield from _of_list(text)


def _of_list(variables: str) -> list[str]:
    return [name for name in orjson.loads(variables) if name.startswith("list.")]
