"""
Who of the people here is a registered clinician: they approve what is of the class clinical (NEW-28).

An admin says so, with the number of their registration; it is on the trail, and ends as it began. Being a
clinician is no role: what they may do besides is their role's.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import existing_operator, require_admin
from clinic.record.database import Record
from clinic.record.schema.govern import clinician


def set_clinician(record: Record, clock: Clock, *, name: str, registration: str, by: str) -> None:
    """
    This person is a clinician from now on, of this registration; "" for: no more.

    Raises:
        NotFound: nobody is called so
        NotAllowed: `by` is no admin, or the registration is none
    """
    number = " ".join(registration.split())
    if number and not any(sign.isdigit() for sign in number):
        raise NotAllowed(
            "clinician-registration",
            "a clinician has a number of registration: --registration 'GMC 1234567'",
        )
    with record.write() as connection:
        require_admin(connection, by)
        person = existing_operator(connection, name)
        known = connection.scalar(
            sa.select(clinician.c.operator).where(clinician.c.operator == person.name)
        )
        values = {"registration": number, "active": bool(number)}
        if known:
            own = clinician.c.operator == person.name
            connection.execute(sa.update(clinician).where(own).values(**values))
        elif number:
            row = {"operator": person.name, "added_at": clock.now(), "added_by": by}
            connection.execute(sa.insert(clinician).values(**row, **values))
        else:
            return
        act = Act(
            operator=by, operation_type="operator.clinician", subject="clinician",
            new_values={"name": person.name, **values},
        )  # fmt: skip
        record_act(connection, clock, act, rows={clinician: [person.name]})


def clinicians(connection: Connection) -> dict[str, str]:
    """The name of each, with their registration."""
    rows = connection.execute(
        sa.select(clinician.c.operator, clinician.c.registration).where(clinician.c.active)
    )
    return {row.operator: row.registration for row in rows}
