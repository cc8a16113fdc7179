"""
Whose patients are somebody's: people may be tied to facilities, and work with no other's patients (NEW-38).

    tied to F1, F2 ──► a patient of F1 or F2 ─────────────────► as everybody
                  └──► of another, or of none ────────────────► not shown, not changed: `other_facility`
                  └──► a campaign or operation with such ─────► the same, unless they asked for it themselves
                  └──► who is found by a question (a filter,
                       a group, visits, who is missing) ──────► as if they were not here: nor are they counted
    tied to nothing: patients of all facilities

This is the one place that says so. It is asked where something is written in a name (audit/trail.py), where
something is shown (access/log.py), and where rows are chosen: there the others end in an outcome of their
own. Who is not on the record (a row of a list alone) is of no facility here, and kept from nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.errors import NotAllowed
from clinic.record.bulk import is_any_of
from clinic.record.schema.change import operation, selection, selection_row
from clinic.record.schema.govern import (
    approval,
    legal_hold,
    operator_facilities,
    redaction,
    restriction,
)
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign, recipient
from clinic.record.schema.people import (
    EMAIL_PLAIN,
    MOBILE_TAIL,
    TAIL_DIGITS,
    consent,
    facility,
    group_member,
    patient,
)
from clinic.record.schema.receipts import contact_hold, reply
from clinic.record.schema.safety import safe_contact

CODE: Final = "other-facility"
Patients = sa.Select[tuple[int]]


def codes_of(connection: Connection, name: str) -> tuple[str, ...]:
    """The codes of the facilities that somebody is tied to; none: all are theirs."""
    own = operator_facilities.c.operator == name
    found = connection.scalar(sa.select(operator_facilities.c.codes).where(own))
    return tuple(found.split()) if found else ()


def others(connection: Connection, name: str) -> ColumnElement[bool] | None:
    """Of a row of `patient`: whether they are kept from this person; None: nobody is."""
    codes = codes_of(connection, name)
    if not codes:
        return None
    theirs = sa.select(facility.c.id).where(facility.c.code.in_(codes))
    return patient.c.facility_id.is_(None) | patient.c.facility_id.not_in(theirs)


def only_theirs(
    connection: Connection, name: str, patients: sa.Select[tuple[int]]
) -> sa.Select[tuple[int]]:
    """
    Of the patients whom a question finds, those of this person's facilities.

    The others are not even counted: where a question is narrow, a count is an answer about one patient.
    """
    outside = others(connection, name)
    if outside is None:
        return patients
    return sa.select(patient.c.id).where(patient.c.id.in_(patients), ~outside)


def kept_from(connection: Connection, name: str, keys: Collection[int]) -> frozenset[int]:
    """Those of these patients who are of other facilities than this person's."""
    outside = others(connection, name)
    if outside is None or not keys:
        return frozenset()
    query = sa.select(patient.c.id).where(is_any_of(patient.c.id, sorted(keys)), outside)
    return frozenset(connection.scalars(query))


def kept_ids(connection: Connection, name: str, ids: Collection[str | None]) -> frozenset[str]:
    """The same of NHS numbers and ids of the practice, as they are shown."""
    outside, wanted = others(connection, name), sorted({each for each in ids if each})
    if outside is None or not wanted:
        return frozenset()
    found: set[str] = set()
    for column in (patient.c.nhs_number, patient.c.local_id):
        found.update(
            connection.scalars(sa.select(column).where(is_any_of(column, wanted), outside))
        )
    return frozenset(found)


def kept_replies(connection: Connection, name: str, numbers: Collection[int]) -> frozenset[int]:
    """Those of these replies that somebody of another facility may have written, or nobody who is known."""
    outside = others(connection, name)
    if outside is None:
        return frozenset()
    kept = set()
    for number in numbers:
        whose = sa.select(outside).select_from(patient).where(patient.c.id.in_(_of_reply(number)))
        found = list(connection.scalars(whose))
        if any(found) or not found:
            kept.add(number)
    return frozenset(kept)


def kept_subjects(
    connection: Connection, name: str, subjects: Collection[tuple[str, int]]
) -> frozenset[tuple[str, int]]:
    """Those of these pieces of work, in the words of `require_subject`, that others' patients are in."""
    if not codes_of(connection, name):
        return frozenset()
    kept = set()
    for subject, number in subjects:
        try:
            require_subject(connection, name, subject, number)
        except NotAllowed:
            kept.add((subject, number))
    return frozenset(kept)


def require_person(connection: Connection, by: str, name: str) -> None:
    """
    Whether somebody may change who works here, as far as this person goes: a name is a way to patients.

    Raises:
        NotAllowed: `by` is tied, and this person works with patients of other facilities too
    """
    own = codes_of(connection, by)
    theirs = codes_of(connection, name)
    if own and by != name and not (theirs and set(theirs) <= set(own)):
        raise NotAllowed(
            CODE,
            f"{by} works with the patients of {' and '.join(own)}, and people who work with others' too are "
            "changed by whoever is tied to nothing: nothing was changed. Who is tied to what: "
            "cohort operators list",
        )


def require_theirs(
    connection: Connection, name: str, *, keys: Collection[int] = (), of: Patients | None = None
) -> None:
    """
    Whether all these patients are of this person's facilities.

    Raises:
        NotAllowed: some are not
    """
    outside = others(connection, name)
    if outside is None:
        return
    who = patient.c.id.in_(of) if of is not None else is_any_of(patient.c.id, sorted(keys))
    count = connection.scalar(sa.select(sa.func.count()).select_from(patient).where(who, outside))
    if count:
        raise _refusal(connection, name, int(count))


def require_all(connection: Connection, name: str) -> None:
    """
    Whether this person works with the patients of all facilities: for what is of the whole installation.

    Raises:
        NotAllowed: they are tied to some
    """
    if codes_of(connection, name):
        raise _refusal(connection, name, 0)


def require_subject(
    connection: Connection, name: str, subject: str, number: int | None, *, step: str = ""
) -> None:
    """
    Whether what an act or a look is of has only this person's patients, or is their own work.

    Args:
        subject, number: as the trail has them: "campaign" 3, "patient" 17, "reply" 4
        step: what is done to it, where two things share a name: "hold.placed"

    Raises:
        NotAllowed: it has others, is of the whole installation, or nobody can tell
    """
    if not codes_of(connection, name):
        return
    subject = "legal hold" if step in _OF_HOLDS else subject
    if subject in _OF_ANOTHER:
        c = _OF_ANOTHER[subject].c
        row = connection.execute(sa.select(c.subject, c.subject_id).where(c.id == number)).first()
        if row is None:  # there is none of this number, which the command says
            return None
        of_patient = "restriction of a patient" if row.subject == "restriction" else row.subject
        return require_subject(connection, name, of_patient, row.subject_id)
    if subject in _OF_NOBODY or step in _ASKED_BEFORE:
        return None
    if is_own_work(connection, name, subject, number):
        return None
    if subject not in PATIENTS_OF:
        raise _refusal(connection, name, 0, subject)
    require_theirs(connection, name, of=PATIENTS_OF[subject](cast(int, number)))


def is_own_work(connection: Connection, name: str, subject: str, number: int | None) -> bool:
    """Whether they asked for it: then its patients were theirs, and some may have moved since."""
    if subject not in _WORK:
        return False
    by, key = _WORK[subject]
    return connection.scalar(sa.select(by).where(key == number)) == name


def _refusal(connection: Connection, name: str, patients: int, subject: str = "") -> NotAllowed:
    own = " and ".join(codes_of(connection, name))
    if subject == "list":
        what = "whose patients are in a list that somebody else imported nobody can tell"
        return _refused(name, own, what)
    what = (
        f"{patients:,} patient{'s' if patients > 1 else ''} of it belong{'' if patients > 1 else 's'} to "
        "another facility or to none"
        if patients
        else "this is of the patients of all facilities"
    )
    return _refused(name, own, what)


def _refused(name: str, own: str, what: str) -> NotAllowed:
    return NotAllowed(
        CODE,
        f"{name} works with the patients of {own}, and {what}: nothing was shown or changed. Ask somebody "
        "whose they are; who is tied to what: cohort operators list",
    )


def _of_work(number: int) -> Patients:
    return sa.select(recipient.c.patient_id).where(recipient.c.campaign_id == number)


def _of_operation(number: int) -> Patients:
    own = sa.select(operation.c.selection_id).where(operation.c.id == number)
    return sa.select(selection_row.c.patient_id).where(selection_row.c.selection_id.in_(own))


def _of_reply(number: int) -> Patients:
    """Everybody on the record who has the number or address that it came from."""
    end = sa.func.length(reply.c.address) - (TAIL_DIGITS - 1)
    tail = sa.func.substr(reply.c.address, end)
    by_number = (reply.c.channel != "email") & (sa.literal_column(MOBILE_TAIL) == tail)
    by_address = (reply.c.channel == "email") & (sa.literal_column(EMAIL_PLAIN) == reply.c.address)
    found = sa.select(patient.c.id).select_from(patient).join(reply, by_number | by_address)
    return found.where(reply.c.id == number).correlate(None)


def _by(column: sa.Column[Any], key: sa.Column[Any]) -> Callable[[int], Patients]:
    return lambda number: sa.select(column).where(key == number)


# Subject of an act or a look → the patients of its number
PATIENTS_OF: Final[Mapping[str, Callable[[int], Patients]]] = MappingProxyType(
    {
        **dict.fromkeys(("campaign", "unknown"), _of_work),
        "operation": _of_operation,
        "selection": _by(selection_row.c.patient_id, selection_row.c.selection_id),
        **dict.fromkeys(
            ("patient", "erasure", "restriction of a patient"),
            lambda number: sa.select(patient.c.id).where(patient.c.id == number),
        ),
        "reply": _of_reply,
        "hold": _by(contact_hold.c.patient_id, contact_hold.c.id),
        "group": _by(group_member.c.patient_id, group_member.c.group_id),
        "consent": _by(consent.c.patient_id, consent.c.id),
        "safe-contact": _by(safe_contact.c.patient_id, safe_contact.c.id),
        "restriction": _by(restriction.c.patient_id, restriction.c.id),
        "redaction": _by(redaction.c.patient_id, redaction.c.id),
    }
)
_WORK: Final = {
    "campaign": (campaign.c.requested_by, campaign.c.id),
    "unknown": (campaign.c.requested_by, campaign.c.id),
    "operation": (operation.c.requested_by, operation.c.id),
    "selection": (selection.c.taken_by, selection.c.id),
    "list": (cohort_list.c.taken_by, cohort_list.c.id),
}
# Of who works here: asked by `require_person` as well
OF_PEOPLE: Final = frozenset(["operator", "people", "clinician", "second step", "facilities"])
# Of staff, texts, places and settings: no patient is in them
_OF_NOBODY: Final = OF_PEOPLE | {
    "template", "setting", "tag", "facility", "provider", "notice", "audit", "access", "installation", "queue",
}  # fmt: skip
# Where who is meant is known, and asked there
_ASKED_BEFORE: Final = frozenset({"patients.numbers-confirmed"})
# What is of something else
_OF_ANOTHER: Final = {"approval": approval, "legal hold": legal_hold}
_OF_HOLDS: Final = frozenset({"hold.placed", "hold.lifted"})
