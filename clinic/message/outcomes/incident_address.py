"""Of messages that went out: whose their address is now, and what makes one of them graver than another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.govern.tied import others
from clinic.record.bulk import is_any_of
from clinic.record.safe_numbers import HIDDEN
from clinic.record.schema.people import EMAIL_PLAIN, MOBILE_TAIL, TAIL_DIGITS, patient

_MOST: Final = 5  # others who are named
PROXYS: Final = -1  # of `recipient.record_version`: the address is a proxy's


@dataclass(frozen=True)
class Went:
    """One message: to whom, by which address, and how that is shown."""

    patient_id: int
    channel: str
    address: str
    shown: str


def whose_now(connection: Connection, went: Sequence[Went], *, by: str) -> list[str]:
    """
    Whose each address is on the record now, in words; others by their NHS number. Two statements at most.

    by: who reads it: patients of other facilities than theirs are told without a number
    """
    holders: dict[tuple[bool, str], list[tuple[int, str]]] = defaultdict(list)
    for by_mail in (False, True):
        keys = {_key(one) for one in went if (one.channel == "email") == by_mail}
        for key, number, known_as in _holders(connection, keys, by_mail=by_mail, by=by):
            holders[by_mail, key].append((number, known_as))
    return [_says(one, holders[one.channel == "email", _key(one)]) for one in went]


def marks_of(sensitive: bool, record_version: int | None, left: Mapping[str, date | None]) -> str:
    """What makes it graver, with commas between. left: days of a patient's record, by what is said of them."""
    found = [
        *(["sensitive words"] if sensitive else []),
        *(["to a proxy"] if record_version == PROXYS else []),
        *(word for word, day in left.items() if day is not None),
    ]
    return ", ".join(found)


def _key(one: Went) -> str:
    return one.address.lower() if one.channel == "email" else one.address[-TAIL_DIGITS:]


def _holders(
    connection: Connection, keys: Iterable[str], *, by_mail: bool, by: str
) -> list[tuple[str, int, str]]:
    wanted = sorted(keys)
    if not wanted:
        return []
    column = sa.literal_column(EMAIL_PLAIN if by_mail else MOBILE_TAIL, sa.Text)
    known_as: sa.ColumnElement[str] = sa.func.coalesce(
        patient.c.nhs_number, patient.c.local_id, "a patient without a number"
    )
    outside = others(connection, by)
    if outside is not None:
        known_as = sa.case((outside, "a patient of another facility"), else_=known_as)
    rows = connection.execute(
        sa.select(column, patient.c.id, known_as)
        .where(is_any_of(column, wanted))
        .order_by(patient.c.id)
    )
    return [(key, number, name) for key, number, name in rows]


def _says(one: Went, holders: Sequence[tuple[int, str]]) -> str:
    if one.shown == HIDDEN:
        return HIDDEN
    own = any(number == one.patient_id for number, _ in holders)
    besides = [name for number, name in holders if number != one.patient_id]
    if not besides:
        return "the patient's" if own else "nobody's on the record"
    named = ", ".join(besides[:_MOST])
    more = f" and {len(besides) - _MOST:,} more" if len(besides) > _MOST else ""
    return f"the patient's, and that of {named}{more}" if own else f"that of {named}{more}"
