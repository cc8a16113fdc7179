"""Finds patients by what somebody types, to pick them one by one (ALC-13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from clinic.govern.tied import others
from clinic.record.database import Record
from clinic.record.schema.people import patient


@dataclass(frozen=True)
class Found:
    """A patient, as far as it takes to tell them from others. `own_id`: NHS number, local id, or none."""

    id: int
    own_id: str | None
    name: str
    birth_date: date | None
    status: str


def find_patients(record: Record, text: str, *, by: str = "") -> list[Found]:
    """
    Patients whose names begin with the words typed, or whose NHS number, local id or postcode is it.

    Upper and lower case are the same; all of them, by family name: how many are shown is the
    screen's matter, and "all" means all.

    by: who looks: whoever is tied to facilities finds their patients alone
    """
    words = [word.lower() for word in text.split()]
    packed = text.replace(" ", "")
    p = patient.c
    names = [
        sa.or_(
            sa.func.lower(p.given_name).startswith(word, autoescape=True),
            sa.func.lower(p.family_name).startswith(word, autoescape=True),
        )
        for word in words
    ]
    is_it = sa.or_(
        sa.and_(*names) if names else sa.false(),
        p.nhs_number == packed,
        p.local_id == text.strip(),
        sa.func.replace(sa.func.upper(p.postcode), " ", "") == packed.upper(),
    )
    with record.read() as connection:
        outside = others(connection, by)
        if outside is not None:
            is_it = sa.and_(is_it, sa.not_(outside))
        found = connection.execute(
            sa.select(
                p.id,
                sa.func.coalesce(p.nhs_number, p.local_id),
                p.given_name + " " + p.family_name,
                p.birth_date,
                p.status,
            )
            .where(is_it)
            .order_by(sa.func.lower(p.family_name), sa.func.lower(p.given_name), p.id)
        )
        return [Found(*row) for row in found]
