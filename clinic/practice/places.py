"""
Facilities and providers: where patients go and who sees them; kept by a proven manager.

Operations name them by code, and each change of them is in the audit trail. None is ever deleted, since
patients, visits and the trail point at it: it is closed, and is then offered no more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from clinic.clock import Clock
from clinic.cohort.filters import there_are
from clinic.errors import NotAllowed, NotFound, OperationRefused
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import may
from clinic.record.database import Record
from clinic.record.schema.people import facility, patient, provider

Sort = Literal["facility", "provider"]
Put = Literal["added", "changed", "same"]

_TABLES: Final[Mapping[Sort, Table]] = {"facility": facility, "provider": provider}
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True)
class Place:
    """
    A facility or a provider, and how many patients it has.

    at: a provider's facility; a facility's default provider
    """

    code: str
    name: str
    email: str | None
    at: str | None
    active: bool
    patients: int


def list_places(record: Record, sort: Sort) -> list[Place]:
    """All of them, closed ones too, by code."""
    table, other = _TABLES[sort], (provider if sort == "facility" else facility).alias("other")
    points = table.c.default_provider_id if sort == "facility" else table.c.facility_id
    count = sa.select(sa.func.count()).where(patient.c[f"{sort}_id"] == table.c.id)
    query = (
        sa.select(
            table.c.code, table.c.name, table.c.email, other.c.code, table.c.active,
            count.scalar_subquery(),
        )
        .select_from(table.outerjoin(other, other.c.id == points))
        .order_by(table.c.code)
    )  # fmt: skip
    with record.read() as connection:
        return [Place(*row) for row in connection.execute(query)]


def put_place(
    record: Record,
    clock: Clock,
    sort: Sort,
    code: str,
    values: Mapping[str, Any],
    *,
    by: Operator,
) -> Put:
    """
    Make a facility or provider, or change what is given of it. The same again: nothing.

    Args:
        values: columns by name; `default_provider` and `facility` by the other's code
        by: of `prove`; a manager

    Raises:
        NotAllowed: the role may not
        NotFound: the other is not there
        OperationRefused: the code is none, or there is no name
    """
    if not may(by.role, "approve", "facility"):
        raise NotAllowed("places-role", "facilities and providers are kept by a manager")
    if not _CODE.fullmatch(code):
        raise OperationRefused(
            "place-code", "a code has 1 to 40 of: letters, digits, dot, dash, underscore"
        )
    with record.write() as connection:
        hold(connection, "places")
        return _put(connection, clock, sort, code, values, by)


def _put(
    connection: Connection,
    clock: Clock,
    sort: Sort,
    code: str,
    values: Mapping[str, Any],
    by: Operator,
) -> Put:
    table, new = _TABLES[sort], _with_keys(connection, values)
    row = connection.execute(sa.select(table).where(table.c.code == code)).mappings().one_or_none()
    if not (new.get("name") if row is None or "name" in new else row["name"]):
        raise OperationRefused("place-name", f"{code} needs a name: --name")
    if row is None:
        connection.execute(sa.insert(table).values(code=code, **new))
        _tell(connection, clock, by, sort, code, "added", None, new)
        return "added"
    old = {name: row[name] for name in new if row[name] != new[name]}
    if not old:
        return "same"
    changed = {name: new[name] for name in old}
    connection.execute(sa.update(table).where(table.c.code == code).values(changed))
    _tell(connection, clock, by, sort, code, "changed", old, changed)
    return "changed"


def _with_keys(connection: Connection, values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns to write: the other's code as its key."""
    new = dict(values)
    for name, table in (("default_provider", provider), ("facility", facility)):
        if name in new:
            code = new.pop(name)
            key = connection.scalar(sa.select(table.c.id).where(table.c.code == code))
            if code and key is None:
                named = there_are(connection, table.c.code)
                raise NotFound(f"{table.name}-unknown", f"there is no {table.name} {code}; {named}")
            new[f"{name}_id"] = key
    return new


def _tell(
    connection: Connection,
    clock: Clock,
    by: Operator,
    sort: Sort,
    code: str,
    what: str,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any],
) -> None:
    act = Act(
        operator=by.name, operation_type=f"{sort}.{what}", subject=sort,
        old_values=None if old is None else {"code": code, **old},
        new_values={"code": code, **new},
    )  # fmt: skip
    record_act(connection, clock, act)
