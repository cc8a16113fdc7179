"""What each column becomes in a copy for tests and support, by its kind in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import RowMapping

from clinic.personal_data.held import TableHeld
from clinic.personal_data.kinds import Kind
from clinic.personal_data.pseudonymise.pseudonyms import Pseudonyms

MADE_UP: Final = "synthetic"
_PERSONS: Final = ("patient_id", "id")  # which column says whose row it is; `id` of patients alone
# Words of a closed list that the program needs as they are; whatever else is text is synthetic
CODES: Final = frozenset(
    {
        "sex", "status", "channel", "purpose", "decision", "source", "preferred_channel", "mode", "keyword",
        "why", "lifts", "role", "kind", "gateway", "layout", "language", "format", "message_type", "check_code",
        "classes", "variables", "system", "criticality",
    }
)  # fmt: skip
_NAMES: Final = {"given_name": "given_name", "family_name": "family_name"}
# Leads back to who it was, or says what was in a file
_DROPPED: Final = ("gateway_ref", "remarks", "trouble")
_FIELDS: Final = "fields"
_JSON_OBJECT: Final = ("criteria", "parameters", "bounds", "value")


def made_up(held: TableHeld, row: RowMapping, names: Pseudonyms) -> dict[str, Any]:
    """A row as the copy has it: keys, times and counts as they were, times of a person moved."""
    person = _whose(held, row)
    return {
        column.name: _value(held, column, row[column.name], person, names)
        for column in held.table.c
    }


def _whose(held: TableHeld, row: RowMapping) -> int | None:
    for name in _PERSONS if held.name == "patient" else _PERSONS[:1]:
        if name in row and row[name] is not None:
            return int(row[name])
    return None


def _value(
    held: TableHeld, column: sa.Column[Any], value: Any, person: int | None, names: Pseudonyms
) -> Any:
    if value is None:
        return None
    name, kind = column.name, held.kinds[column.name]
    if isinstance(value, bool | bytes):
        return value
    if isinstance(value, date | datetime):
        return names.moved(value, person) if person is not None else value
    if isinstance(value, int):
        negative = name == "patient_id" and value < 0
        return -int(names.nhs_number(f"{-value:010}")) if negative else value
    if name in _DROPPED and column.nullable:
        return None
    if name == _FIELDS:
        return "{}"
    is_code = name in CODES and not (kind is Kind.HEALTH and name == "language")
    if kind in (Kind.KEY, Kind.EVENT, Kind.WORK) or is_code:
        return value
    return _text(held, column, str(value), person, names)


def _text(
    held: TableHeld, column: sa.Column[Any], value: str, person: int | None, names: Pseudonyms
) -> str | None:
    name, kind = column.name, held.kinds[column.name]
    if name in _NAMES and person is not None:
        return names.name(_NAMES[name], person)
    if kind in (Kind.IDENTITY, Kind.CONTACT):
        return _identity(name, value, names)
    if name == "cells":
        return orjson.dumps(["" for _ in orjson.loads(value)]).decode()
    if name == "columns":
        return orjson.dumps([f"Column {at + 1}" for at in range(len(orjson.loads(value)))]).decode()
    if name in _JSON_OBJECT and kind is Kind.PRACTICE:
        return "{}"
    if kind in (Kind.STAFF, Kind.PRACTICE):
        return (
            names.email(value)
            if "@" in value
            else f"{kind.name.lower()}-{names.number(kind.name, value)}"
        )
    return None if column.nullable else MADE_UP


def _identity(name: str, value: str, names: Pseudonyms) -> str | None:
    makers: Mapping[str, Any] = {
        "nhs_number": names.nhs_number,
        "local_id": lambda one: f"L{names.number('local_id', one)}",
        "postcode": lambda _: "ZZ99 3WZ",
    }
    if name in makers:
        return str(makers[name](value))
    if name == "proxy_name":
        return f"Proxy {names.number('proxy', value)}"
    if name in ("title", "proxy_role"):
        return None
    if "@" in value:
        return names.email(value)
    if sum(sign.isdigit() for sign in value) >= 7 and not any(sign.isalpha() for sign in value):
        return names.mobile(value)
    return f"{names.number('address', value)} Synthetic Street"
