"""
Safe contact: by which channels a patient is contacted without putting them at risk, and a safe number (NEW-26).

    set     any member of staff, with a reason: what protects is done at once
    loosen  a team lead or manager: one more channel, another number, or the end of it
    see     a team lead or manager, and that they looked is on the trail

What was in force before is ended and kept. The trail names the entry by its own number: neither the patient nor
what was set. It is obeyed from the next message that is about to leave (message/eligibility/safe_contact.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import CohortRefused, NotAllowed, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import find_operator
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import patient
from clinic.record.schema.safety import safe_contact
from clinic.settings import Phones
from clinic.values.phone import judge_for

CHANNELS: Final = ("sms", "email", "voice")
_BY_NUMBER: Final = frozenset({"sms", "voice"})
_MAY_SEE: Final = frozenset({"team_lead", "manager"})
_LEAST_REASON: Final = 3


@dataclass(frozen=True)
class SafeContact:
    """What is or was in force for a patient. `channels`: those that are safe; `source`: staff or import."""

    id: int
    channels: tuple[str, ...]
    number: str | None
    reason: str
    source: str
    set_by: str
    set_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    ended_why: str | None


def may_see(role: str) -> bool:
    """Whether somebody of this role sees what is set, and may lift it."""
    return role in _MAY_SEE


def set_safe_contact(
    record: Record,
    clock: Clock,
    patient_id: int,
    *,
    channels: Collection[str],
    number: str,
    reason: str,
    by: str,
    phones: Phones,
) -> None:
    """
    Say which channels are safe, and the number that is.

    Args:
        channels: none: the patient is contacted by no channel; with a number and none, SMS and voice are meant
        number: as a person writes it; "": none is named

    Raises:
        CohortRefused: the number cannot be used, or no reason is given
        NotAllowed: this allows more than what is in force, and `by` is no team lead or manager
    """
    _require_reason(reason)
    by_text = not channels or "sms" in channels
    safe = _usable(number, phones, texted=by_text)
    chosen = frozenset(channels) or (_BY_NUMBER if safe else frozenset())
    if safe and not chosen & _BY_NUMBER:
        raise CohortRefused(
            "safe-contact-number",
            "a safe number is named, and neither sms nor voice is a safe channel: name one of them too",
        )
    with record.write() as connection:
        before = _in_force(connection, patient_id)
        if before and (chosen - set(before.channels) or safe != before.number):
            _require_may_see(connection, by, "allow more than what is in force")
        _end(connection, patient_id, by, clock.now(), "set again")
        (key,) = _begin(
            connection, [patient_id], chosen, safe, reason=reason, source="staff", by=by,
            now=clock.now(),
        )  # fmt: skip
        _tell(connection, clock, "set", key, by)


def see_safe_contact(
    record: Record, clock: Clock, patient_id: int, *, by: str
) -> list[SafeContact]:
    """
    What is in force for the patient, and before it what was; that it was looked at is on the trail.

    Raises:
        NotAllowed: `by` is no team lead or manager
        NotFound: nothing ever was
    """
    own = safe_contact.c
    query = sa.select(safe_contact).where(own.patient_id == patient_id).order_by(own.id.desc())
    with record.write() as connection:
        _require_may_see(connection, by, "see it")
        found = [_entry(row) for row in connection.execute(query).mappings()]
        if not found:
            raise _none()
        _tell(connection, clock, "seen", found[0].id, by)
    return found


def lift_safe_contact(
    record: Record, clock: Clock, patient_id: int, *, reason: str, by: str
) -> None:
    """
    End what is in force: the patient is contacted as everybody else.

    Raises:
        CohortRefused: no reason is given
        NotAllowed: `by` is no team lead or manager
        NotFound: nothing is in force
    """
    _require_reason(reason)
    with record.write() as connection:
        _require_may_see(connection, by, "lift it")
        own = _in_force(connection, patient_id)
        if own is None:
            raise _none()
        _end(connection, patient_id, by, clock.now(), reason)
        _tell(connection, clock, "lifted", own.id, by)


def restrict_imported(
    connection: Connection, patients: Sequence[int], *, by: str, now: datetime
) -> int:
    """
    By no channel, for those of these patients for whom nothing is in force; how many. What staff set stays.

    Call it in the transaction that imports them.
    """
    known = connection.scalars(
        sa.select(safe_contact.c.patient_id).where(
            is_any_of(safe_contact.c.patient_id, patients), safe_contact.c.ended_at.is_(None)
        )
    )
    new = sorted(set(patients).difference(known))
    reason = "The import marks the patient as sensitive or at risk."
    if new:
        _begin(connection, new, frozenset(), None, reason=reason, source="import", by=by, now=now)
    return len(new)


def _begin(
    connection: Connection,
    patients: Sequence[int],
    channels: frozenset[str],
    number: str | None,
    *,
    reason: str,
    source: str,
    by: str,
    now: datetime,
) -> list[int]:
    """Messages that wait are addressed anew of who was written to since: so their version goes up."""
    rows = [
        {
            "patient_id": key, "number": number, "reason": reason.strip(), "source": source,
            "set_by": by, "set_at": now, **{name: name in channels for name in CHANNELS},
        }
        for key in patients
    ]  # fmt: skip
    made = connection.scalars(sa.insert(safe_contact).returning(safe_contact.c.id), rows).all()
    _rise(connection, patients)
    return [int(key) for key in made]


def _end(connection: Connection, patient_id: int, by: str, now: datetime, why: str) -> None:
    connection.execute(
        sa.update(safe_contact)
        .where(safe_contact.c.patient_id == patient_id, safe_contact.c.ended_at.is_(None))
        .values(ended_by=by, ended_at=now, ended_why=why.strip())
    )
    _rise(connection, [patient_id])


def _rise(connection: Connection, patients: Sequence[int]) -> None:
    connection.execute(
        sa.update(patient)
        .where(is_any_of(patient.c.id, patients))
        .values(version=patient.c.version + 1)
    )


def _in_force(connection: Connection, patient_id: int) -> SafeContact | None:
    """What is in force, locked until the transaction ends."""
    found = connection.execute(
        sa.select(safe_contact)
        .where(safe_contact.c.patient_id == patient_id, safe_contact.c.ended_at.is_(None))
        .with_for_update()
    ).mappings()
    return next((_entry(row) for row in found), None)


def _entry(row: Mapping[Any, Any]) -> SafeContact:
    names = [each.name for each in fields(SafeContact) if each.name != "channels"]
    channels = tuple(name for name in CHANNELS if row[name])
    return SafeContact(channels=channels, **{name: row[name] for name in names})


def _none() -> NotFound:
    return NotFound(
        "safe-contact-none",
        "nothing about safe contact is set for this patient; see: cohort patients safe-contact set --help",
    )


def _usable(number: str, phones: Phones, *, texted: bool) -> str | None:
    if not number.strip():
        return None
    channel = "sms" if texted else "voice"
    judged = judge_for(channel, pd.Series([number], dtype="str"), phones).iloc[0]
    if judged["fault"]:
        kind = "mobile number that may be texted" if texted else "number that may be called"
        raise CohortRefused(
            "safe-contact-number",
            f"the safe number is no {kind} (it is not repeated here): type it again, or name safe channels "
            "without a number",
        )
    return str(judged["address"])


def _require_reason(reason: str) -> None:
    if len(reason.strip()) < _LEAST_REASON:
        raise CohortRefused(
            "safe-contact-reason", "say why the patient may be contacted so alone, in a few words"
        )


def _require_may_see(connection: Connection, by: str, what: str) -> None:
    person = find_operator(connection, by)
    if person is None or not person.active or not may_see(person.role):
        raise NotAllowed(
            "safe-contact-role",
            f"only a team lead or manager may {what}: it is about somebody's safety. Ask one of them; see: "
            "cohort operators list",
        )


def _tell(connection: Connection, clock: Clock, what: str, key: int, by: str) -> None:
    act = Act(
        operator=by,
        operation_type=f"safe-contact.{what}",
        subject="safe-contact",
        subject_id=key,
        patients_affected=1,
    )
    record_act(connection, clock, act)
