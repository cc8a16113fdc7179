"""Whose data are asked for: a patient's, or of whoever is known by a number or address alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pandas as pd
import phonenumbers
import sqlalchemy as sa
from sqlalchemy import Connection
from stdnum.gb import nhs

from clinic.errors import CohortRefused
from clinic.personal_data.reach import Subject, is_called, packed
from clinic.record.schema.messages import recipient
from clinic.record.schema.people import EMAIL_PLAIN, MOBILE_TAIL, TAIL_DIGITS, patient
from clinic.record.schema.safety import safe_contact
from clinic.settings import Phones
from clinic.values.nhs_number import judge_nhs_numbers
from clinic.values.phone import judge_mobiles

_PROXYS: Final = -1  # of `recipient.record_version`: the address is a proxy's


@dataclass(frozen=True)
class Person:
    """
    Whose data are asked for.

    key: of the patient; None: they are not in the record
    shared: of their addresses, those that somebody else has or had too
    """

    subject: Subject
    key: int | None
    shared: frozenset[str]

    def is_anothers(self, cells: Iterable[str]) -> bool:
        """Whether a row has an NHS number in it that is not theirs, and none that is."""
        found = {plain for cell in cells if nhs.is_valid(plain := packed(cell))}
        own = {f"{-key:010}" for key in self.subject.keys if key < 0}
        return bool(found) and not found & own

    def is_only_named(self, text: str) -> bool:
        """Whether a text has their name and birth date, and no number, address or id of theirs."""
        if not is_called(text, self.subject):
            return False
        plain = packed(text)
        own = any(packed(name) in plain for name in self.subject.names)
        return not own and not any(f'"{cell}"' in text for cell in self.subject.cells)

    def may_be_anothers(self, text: str) -> bool:
        """Whether a text has an address that somebody else has too, and no NHS number of theirs."""
        if not self.shared:
            return False
        plain = packed(text)
        if any(-key > 0 and f"{-key:010}" in plain for key in self.subject.keys):
            return False
        return any(packed(_name(one)) in plain for one in self.shared)


def person_who_asks(connection: Connection, given: str, phones: Phones) -> Person:
    """
    The person of an NHS number, an id of the practice, a telephone number or an e-mail address.

    Raises:
        CohortRefused: it is none of these, or the number or address is on a patient's record
    """
    typed = given.strip()
    for column, text in ((patient.c.nhs_number, packed(typed)), (patient.c.local_id, typed)):
        key = connection.scalar(sa.select(patient.c.id).where(column == text))
        if key is not None:
            return _patient(connection, int(key), phones)
    number = judge_nhs_numbers(pd.Series([typed], dtype="str"))["nhs_number"].iloc[0]
    if number:
        subject = Subject(keys=(-int(number),), names=(str(number),))
        return Person(subject, None, frozenset())
    address = typed.lower() if "@" in typed else _as_sent(typed, phones)
    if not address:
        raise CohortRefused(
            "subject-access-who",
            "this is no NHS number, no id of the practice, no mobile number and no e-mail address",
        )
    if _has_now(connection, address, but=0):
        raise CohortRefused(
            "subject-access-patient",
            "this number or address is on a patient's record: give their NHS number once they have shown who "
            "they are",
        )
    # Whom it was written to before may have answered from it
    shared = frozenset({address} if _is_anothers(connection, address, but=0) else ())
    return Person(Subject(addresses=(address,), names=(_name(address),)), None, shared)


def _patient(connection: Connection, key: int, phones: Phones) -> Person:
    p = patient.c
    row = connection.execute(
        sa.select(
            p.nhs_number, p.local_id, p.mobile, p.email, p.given_name, p.family_name, p.birth_date
        ).where(p.id == key)
    ).one()
    keys = (key, -int(row.nhs_number)) if row.nhs_number else (key,)
    used = connection.scalars(
        sa.select(recipient.c.address).distinct()
        .where(
            recipient.c.patient_id.in_(keys),
            recipient.c.address.is_not(None),
            sa.func.coalesce(recipient.c.record_version, 0) != _PROXYS,
        )
    )  # fmt: skip
    safe = connection.scalars(
        sa.select(safe_contact.c.number)
        .where(safe_contact.c.patient_id == key, safe_contact.c.number.is_not(None))
    )  # fmt: skip
    mobile = (row.mobile, _as_sent(row.mobile, phones)) if row.mobile else ()
    found = {one.strip().lower() for one in (*mobile, row.email or "", *used, *safe) if one}
    addresses = tuple(sorted(found))
    shared = frozenset(one for one in addresses if _is_anothers(connection, one, but=key))
    names = {_name(one) for one in addresses} | ({row.nhs_number} if row.nhs_number else set())
    subject = Subject(
        keys=keys, addresses=addresses, names=tuple(sorted(names)),
        cells=(row.local_id,) if row.local_id else (), born=row.birth_date,
        called=tuple(name for name in (row.given_name, row.family_name) if name),
    )  # fmt: skip
    return Person(subject, key, shared)


def _as_sent(typed: str, phones: Phones) -> str:
    """A number as gateways take it, also of a kind that is sent nothing; empty: it is none."""
    judged = judge_mobiles(pd.Series([typed], dtype="str"), phones)["address"].iloc[0]
    if judged:
        return str(judged)
    try:
        number = phonenumbers.parse(typed, phones.home_region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _name(address: str) -> str:
    """What of an address is theirs alone wherever it is in a text: a number without what is before it."""
    return address if "@" in address else packed(address)[-TAIL_DIGITS:]


def _has_now(connection: Connection, address: str, *, but: int) -> bool:
    """Whether another patient has this number or address now."""
    column = EMAIL_PLAIN if "@" in address else MOBILE_TAIL
    has = sa.literal_column(column) == sa.literal(_name(address))
    now = sa.select(patient.c.id).where(patient.c.id != but, has)
    return bool(connection.scalar(sa.select(now.exists())))


def _is_anothers(connection: Connection, address: str, *, but: int) -> bool:
    """Whether another patient has this number or address now, or was written to by it."""
    before = sa.select(recipient.c.patient_id).where(
        recipient.c.patient_id > 0, recipient.c.patient_id != but,
        sa.func.lower(recipient.c.address) == address,
    )  # fmt: skip
    return _has_now(connection, address, but=but) or bool(
        connection.scalar(sa.select(before.exists()))
    )
