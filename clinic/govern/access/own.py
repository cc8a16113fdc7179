"""
Patients who may be somebody's own: of their surname, called as they are, or living where such a patient lives.

Who works here is known by a login alone. "ann.lee" may be a Lee, and may be the patient Ann Lee: if there is
one, hers may be the address. Read when it is asked, and kept nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.bulk import is_any_of
from clinic.record.schema.people import patient

Looked = tuple[int, str, int]  # the number of the look, who looked, and the patient's key


def of_their_own(connection: Connection, looks: Sequence[Looked]) -> Iterator[tuple[int, str]]:
    """The number of each look at a patient who may be the looker's own, and in which way."""
    parts = {person: _parts(person) for _, person, _ in looks}
    seen = _patients(connection, patient.c.id, sorted({key for *_, key in looks}))
    every = sorted({part for own in parts.values() for part in own})
    family = _patients(connection, sa.func.lower(patient.c.family_name), every)
    for number, person, key in looks:
        if key not in seen:
            continue
        theirs = [row for row in family.values() if _is_called(row, parts[person])]
        if key in {row.id for row in theirs}:
            yield number, "own-record"
        elif seen[key].family_name.casefold() in parts[person]:
            yield number, "own-name"
        address = _address(seen[key])
        if address and address in {_address(row) for row in theirs if row.id != key}:
            yield number, "own-address"


def _parts(login: str) -> set[str]:
    """The words of a login that may be a name."""
    return {part for part in re.split(r"[._@\d-]+", login.casefold()) if len(part) > 1}


def _is_called(row: Any, parts: set[str]) -> bool:
    given = row.given_name.casefold().split()
    return row.family_name.casefold() in parts and bool(parts.intersection(given))


def _address(row: Any) -> str:
    """Street and postcode as they compare; nothing where either is not known."""
    if not (row.address and row.postcode):
        return ""
    return re.sub(r"\W+", "", f"{row.address}{row.postcode}").casefold()


def _patients(
    connection: Connection, column: sa.ColumnElement[Any], values: Sequence[Any]
) -> Mapping[int, Any]:
    if not values:
        return {}
    p = patient.c
    query = sa.select(p.id, p.given_name, p.family_name, p.address, p.postcode)
    return {row.id: row for row in connection.execute(query.where(is_any_of(column, values)))}
