"""
What a patient says of messages otherwise than by one: an objection, its end, a consent (NEW-40).

Told on the telephone, at the desk, in a letter: by a patient who is known, on a day, to a person. It is a
decision like any other: for a patient, channel and purpose the latest wins (message/eligibility/suppress.py),
from the next message on that is about to leave. The trail names the entry by its own number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import CohortRefused, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.message.eligibility.suppress import opt_outs
from clinic.record.database import Record
from clinic.record.schema.people import consent
from clinic.values.moments import first_after, first_of
from clinic.values.purposes import ANY, decided_by, needs_consent

What = Literal["objects", "lifts", "consents"]
_SOURCE: Final = "telephone"
_ACTS: Final = {
    "objects": "objection.noted", "lifts": "objection.lifted", "consents": "consent.noted",
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What was said, of which messages, and when; channel and purpose may be "any"."""

    what: What
    purpose: str
    channel: str
    at: datetime


@dataclass(frozen=True)
class Decided:
    """A decision of a patient's. source: how it became known; taken_by: whom they told, or None"""

    channel: str
    purpose: str
    decision: str
    decided_at: datetime
    source: str
    taken_by: str | None


def decisions_of(connection: Connection, patient_id: int) -> list[Decided]:
    """Everything that a patient decided of messages, the newest first."""
    c = consent.c
    query = (
        sa.select(c.channel, c.purpose, c.decision, c.decided_at, c.source, c.taken_by)
        .where(c.patient_id == patient_id)
        .order_by(c.decided_at.desc(), c.id.desc())
    )
    return [Decided(*row) for row in connection.execute(query).tuples()]


def when_said(day: date, what: What, zone: tzinfo, now: datetime) -> datetime:
    """
    The instant of what was said on a day.

    Nobody knows the hour: where something else was said on that day too, it is no that counts.
    """
    if day == now.astimezone(zone).date():
        return now
    if what == "objects":
        return first_after(day, zone) - timedelta(seconds=1)
    return first_of(day, zone)


def note_decision(record: Record, clock: Clock, patient_id: int, told: Told, *, by: str) -> bool:
    """
    Note what a patient said; whether it is what counts now: what they said later still does.

    The same of the same instant is noted once.

    Raises:
        CohortRefused: it is of a day to come; or an end of objections is no consent where one is needed
        NotFound: there is no objection to be lifted
    """
    if told.at > clock.now():
        raise CohortRefused("objection-day", "say the day on which it was said: it is to come yet")
    if told.what == "lifts" and needs_consent(told.purpose):
        raise CohortRefused(
            "objection-consent",
            f"messages for {told.purpose} need a consent, and the end of an objection is none: where the "
            "patient consents, type --consent instead of --lift",
        )
    if told.what == "consents" and told.purpose == ANY:
        raise CohortRefused(
            "objection-consent",
            "a consent is to one purpose: say which, such as --purpose marketing",
        )
    with record.write() as connection:
        if told.what == "lifts" and not _objected(connection, patient_id, told):
            raise NotFound(
                "objection-none",
                f"this patient has not objected to {told.purpose} by {told.channel}: there is nothing to lift",
            )
        key = _keep(connection, patient_id, told, by)
        if key is not None:
            act = Act(
                operator=by, operation_type=_ACTS[told.what], subject="consent", subject_id=key,
                patients_affected=1,
            )  # fmt: skip
            record_act(connection, clock, act)
        return _latest(connection, patient_id, told) == _decision(told)


def _decision(told: Told) -> str:
    return "opt_out" if told.what == "objects" else "opt_in"


def _keep(connection: Connection, patient_id: int, told: Told, by: str) -> int | None:
    values = {
        "patient_id": patient_id, "channel": told.channel, "purpose": told.purpose,
        "decision": _decision(told), "decided_at": told.at, "source": _SOURCE,
    }  # fmt: skip
    same = sa.select(consent.c.id).where(
        *(consent.c[name] == value for name, value in values.items())
    )
    if connection.scalar(same.limit(1)) is not None:
        return None
    new = sa.insert(consent).values(**values, taken_by=by).returning(consent.c.id)
    return int(connection.execute(new).scalar_one())


def _objected(connection: Connection, patient_id: int, told: Told) -> bool:
    """Whether what they said last of this, or of anything that it is a part of, is no."""
    return _latest(connection, patient_id, told) == "opt_out"


def _latest(connection: Connection, patient_id: int, told: Told) -> str | None:
    c = consent.c
    own = (c.patient_id == patient_id) & c.channel.in_({told.channel, ANY})
    if told.purpose != ANY:
        who = sa.select(consent.c.patient_id).where(c.patient_id == patient_id)
        if connection.execute(opt_outs(told.channel, told.purpose, who)).first() is not None:
            return "opt_out"
    purposes = decided_by(told.purpose) if told.purpose != ANY else {ANY}
    latest = sa.select(c.decision).where(own, c.purpose.in_(purposes))
    return connection.scalar(latest.order_by(c.decided_at.desc(), c.id.desc()).limit(1))
