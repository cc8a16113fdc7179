"""Ties people to facilities, by an admin: whose patients they work with (clinic/govern/tied.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator, existing_operator, require_admin
from clinic.govern.tied import codes_of, require_all, require_person
from clinic.record.database import Record
from clinic.record.schema.govern import operator_facilities as table
from clinic.record.schema.people import facility


def set_facilities(
    record: Record, clock: Clock, *, name: str, codes: Sequence[str], by: str
) -> tuple[str, ...]:
    """
    From now on this person works with the patients of these facilities alone; of none: with all.

    Raises:
        NotFound: nobody is called so, or there is no such facility
        NotAllowed: `by` is no admin, or is tied to facilities and this person works with others' patients too,
            or would; nobody who is tied unties themselves
    """
    with record.write() as connection:
        require_admin(connection, by)
        person = existing_operator(connection, name)
        if person.name == by and codes_of(connection, by):
            require_all(connection, by)
        require_person(connection, by, person.name)
        return tie(connection, clock, person.name, codes, by=by)


def tie(
    connection: Connection, clock: Clock, name: str, codes: Sequence[str], *, by: str
) -> tuple[str, ...]:
    """The same in the transaction of an admin's, of somebody who is there."""
    own, before = known_codes(connection, codes), codes_of(connection, name)
    if own == before:
        return own
    values = {"codes": " ".join(own), "set_at": clock.now(), "set_by": by}
    mine = table.c.operator == name
    if not connection.execute(sa.update(table).where(mine).values(**values)).rowcount:
        connection.execute(sa.insert(table).values(operator=name, **values))
    act = Act(
        operator=by, operation_type="operator.facilities", subject="facilities",
        old_values={"name": name, "codes": list(before)}, new_values={"name": name, "codes": list(own)},
    )  # fmt: skip
    record_act(connection, clock, act, rows={table: [name]})
    return own


def tied_to(
    clock: Clock, codes: Sequence[str], *, by: str
) -> Callable[[Connection, Operator], None]:
    """What is said of a new person in the transaction that adds them."""

    def also(connection: Connection, person: Operator) -> None:
        tie(connection, clock, person.name, codes, by=by)

    return also


def known_codes(connection: Connection, given: Sequence[str]) -> tuple[str, ...]:
    """
    The codes of facilities as the record writes them, each once, in order.

    Raises:
        NotFound: there is no such facility
    """
    codes = list(connection.scalars(sa.select(facility.c.code).order_by(facility.c.code)))
    known = {code.casefold(): code for code in codes}
    for one in given:
        if one.strip().casefold() not in known:
            there_are = ", ".join(codes[:20]) or "none yet"
            raise NotFound(
                "facility-unknown",
                f"there is no facility {one.strip()!r}; there are: {there_are}; see: cohort places list",
            )
    return tuple(sorted({known[one.strip().casefold()] for one in given}))


def tied(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Everybody who is tied to facilities, with their codes."""
    rows = connection.execute(sa.select(table.c.operator, table.c.codes).where(table.c.codes != ""))
    return {row.operator: tuple(row.codes.split()) for row in rows}
