"""
Erases whoever is on no record: known by an NHS number on a list, or by the number that a reply came from.

    nobody's number ─► an empty row stands in for them ─► asked, approved, erased as any patient's
                                                      └─► refused: the row goes again

The row has nothing but that number, and is messaged by nothing (its status is none of the organisation's). An
erasure leaves it empty, so that it can be told of whom something was erased: nobody who can be found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.personal_data.access.person import person_who_asks
from clinic.personal_data.erase.whom import NOT_ON_RECORD, digest_of_person
from clinic.record.database import Record
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import recipient
from clinic.record.schema.people import patient
from clinic.record.schema.receipts import address_decision, reply
from clinic.settings import Phones

_NUMBER: Final = re.compile(r"(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)")


def stand_in(record: Record, given: str, phones: Phones) -> int:
    """
    The row of whoever has this NHS number, telephone number or e-mail address; made if there is none.

    Raises:
        CohortRefused: it is none of these, or a patient's number or address: give their NHS number
    """
    with record.write() as connection:
        return _made(connection, given, phones)


def _made(connection: Connection, given: str, phones: Phones) -> int:
    person = person_who_asks(connection, given, phones)
    if person.key is not None:
        return person.key
    [known_by] = [*person.subject.addresses, *(f"{-key:010}" for key in person.subject.keys)]
    name = "email" if "@" in known_by else "mobile" if person.subject.addresses else "nhs_number"
    row = {name: known_by, "status": NOT_ON_RECORD}
    made = sa.insert(patient).values(**row).returning(patient.c.id)
    return int(connection.execute(made).scalar_one())


def is_stand_in(record: Record, patient_id: int) -> bool:
    """Whether it is the row of somebody who is on no record."""
    query = sa.select(patient.c.status).where(patient.c.id == patient_id)
    with record.read() as connection:
        return connection.scalar(query) == NOT_ON_RECORD


def take_back(record: Record, patient_id: int) -> None:
    """The row goes again, as nothing was erased; a patient's own never does."""
    c = patient.c
    own = (
        (c.id == patient_id)
        & (c.status == NOT_ON_RECORD)
        & (c.given_name == "")
        & (c.family_name == "")
    )
    with record.write() as connection:
        connection.execute(sa.delete(patient).where(own))


def of_strangers(connection: Connection) -> Iterator[tuple[str, str]]:
    """Digest and number of everybody whom lists, campaigns and replies name and the record does not."""
    negative = sa.select(recipient.c.patient_id).where(recipient.c.patient_id < 0).distinct()
    numbers = {f"{-key:010}" for key in connection.scalars(negative)}
    for cells in connection.scalars(
        sa.select(list_row.c.cells).where(list_row.c.patient_id.is_(None))
    ):
        numbers.update(re.sub(r"\D", "", found) for found in _NUMBER.findall(cells))
    addresses = set(connection.scalars(sa.select(reply.c.address).distinct()))
    addresses |= set(connection.scalars(sa.select(address_decision.c.address)))
    yield from ((digest_of_person(connection, one, 0), one) for one in sorted(numbers))
    yield from ((digest_of_person(connection, None, 0, one), one) for one in sorted(addresses))
