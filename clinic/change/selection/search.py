"""Finds patients by what somebody types, to pick them one by one (ALC-13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from clinic.errors import NotFound
from clinic.govern.tied import others
from clinic.record.database import Record
from clinic.record.schema.people import patient
from clinic.values.moments import read_day


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

    A word that is a day (03/11/1960, 1960-11-03) is their date of birth: "morgan 03/11/1960". Upper and lower
    case are the same; all of them, by family name: how many are shown is the screen's matter, and "all" means
    all.

    by: who looks: whoever is tied to facilities finds their patients alone
    """
    words = [word.lower() for word in text.split()]
    born = [day for word in words if (day := _day(word)) is not None]
    packed = text.replace(" ", "")
    p = patient.c
    names = [
        sa.or_(
            sa.func.lower(p.given_name).startswith(word, autoescape=True),
            sa.func.lower(p.family_name).startswith(word, autoescape=True),
        )
        for word in words
        if _day(word) is None
    ]
    typed = [*names, *(p.birth_date == day for day in born)]
    is_it = sa.or_(
        sa.and_(*typed) if typed else sa.false(),
        p.nhs_number == packed,
        p.local_id == text.strip(),
        sa.func.replace(sa.func.upper(p.postcode), " ", "") == packed.upper(),
    )
    with record.read() as connection:
        outside = others(connection, by)
        if outside is not None:
            is_it = sa.and_(is_it, sa.not_(outside))
        query = found_query().where(is_it)
        found = connection.execute(
            query.order_by(sa.func.lower(p.family_name), sa.func.lower(p.given_name), p.id)
        )
        return [Found(*row) for row in found]


def get_found(record: Record, key: int) -> Found:
    """
    The patient of this key.

    Raises:
        NotFound: there is none
    """
    with record.read() as connection:
        row = connection.execute(found_query().where(patient.c.id == key)).one_or_none()
    if row is None:
        raise NotFound("patient-unknown", "there is no such patient")
    return Found(*row)


def found_query() -> sa.Select[tuple[int, str | None, str, date | None, str]]:
    """The columns of `Found`, of every patient."""
    p = patient.c
    own_id, name = sa.func.coalesce(p.nhs_number, p.local_id), p.given_name + " " + p.family_name
    return sa.select(p.id, own_id, name, p.birth_date, p.status)


def _day(word: str) -> date | None:
    try:
        return read_day(word).date()
    except ValueError:
        return None
