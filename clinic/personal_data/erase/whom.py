"""Whom an erasure is of: their key, by what rows have them, and the digest by which they are found again."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.personal_data.reach import Subject
from clinic.record.database import key_of
from clinic.record.schema.people import patient

# Of a row that stands in for somebody who is on no record (strangers.py)
NOT_ON_RECORD: Final = "not_on_record"
_PERSON = b"cohort erased person"


@dataclass(frozen=True)
class Whom:
    """
    One patient.

    subject: by what their rows are reached; without numbers and addresses that another patient has too
    words: the same, and their whole name: what staff may have typed of them
    """

    patient_id: int
    who: str
    subject: Subject
    words: Subject


def digest_of_person(
    connection: Connection, nhs_number: str | None, patient_id: int, address: str = ""
) -> str:
    """A keyed digest of the NHS number; of who has none, of our key; of who is on no record, of the address."""
    says = nhs_number or (f"address {address}" if address else f"key {patient_id}")
    key = key_of(connection) or b"no key"
    return hmac.digest(key, _PERSON + says.encode(), "sha256").hex()


def read_whom(connection: Connection, patient_id: int) -> Whom:
    """The patient as the record has them now."""
    row = connection.execute(sa.select(patient).where(patient.c.id == patient_id)).one()
    own = _addresses(connection, row.id, row.mobile, row.email)
    ids = tuple(str(value) for value in (row.nhs_number, *own) if value)
    whole = f"{row.given_name} {row.family_name}".strip()
    names = (*ids, whole) if row.given_name and row.family_name else ids
    keys = (row.id, -int(row.nhs_number)) if row.nhs_number else (row.id,)
    cells = (row.local_id,) if row.local_id else ()
    return Whom(
        row.id,
        digest_of_person(connection, row.nhs_number, row.id, _stands_for(row)),
        Subject(
            keys=keys,
            addresses=own,
            names=ids,
            cells=cells,
            born=row.birth_date,
            called=(row.given_name, row.family_name) if row.given_name and row.family_name else (),
        ),
        Subject(keys=keys, addresses=own, names=names),
    )


def _stands_for(row: Any) -> str:
    """The number or address that is all that is known of whoever is on no record."""
    return (row.mobile or row.email or "") if row.status == NOT_ON_RECORD else ""


def _addresses(
    connection: Connection, patient_id: int, mobile: str | None, email: str | None
) -> tuple[str, ...]:
    """Their number as they typed it and as gateways take it, their e-mail address; none that others have."""
    found: list[str] = []
    for column, value in ((patient.c.mobile, mobile), (patient.c.email, email)):
        if not value:
            continue
        others = sa.select(patient.c.id).where(column == value, patient.c.id != patient_id).limit(1)
        if connection.scalar(others) is None:
            found.append(value.lower())
            found += _spellings(value) if column is patient.c.mobile else []
    return tuple(dict.fromkeys(found))


def _spellings(mobile: str) -> list[str]:
    """As a gateway has it, and as people type it at home."""
    digits = re.sub(r"\D", "", mobile)
    if digits.startswith("0"):
        digits = "44" + digits.lstrip("0")
    return [f"+{digits}", "0" + digits.removeprefix("44")] if digits else []
