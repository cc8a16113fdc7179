"""
Which time zone decides: a facility in another time zone has the same hours by its own (NEW-4; §2.8 of the
shared notes on reliability).

A patient's zone is their facility's; the organisation's where the facility names none, or where they have
no facility or no record. It is asked in the intent, of every message of a batch in one statement: those
whose hours are closed stay in the batch.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from clinic.message.timing.timing import Timing
from clinic.record.schema.messages import message
from clinic.record.schema.people import facility, patient


def is_awake(timing: Timing, channel: str, now: datetime) -> ColumnElement[bool]:
    """Of messages: whether the channel is open for their patient now. True where everybody has one clock."""
    home = timing.calendar.may_use(channel, now)
    others = [code for code, own in timing.facilities.items() if own.may_use(channel, now) != home]
    if not others:
        return sa.true() if home else sa.false()
    elsewhere = (
        sa.select(patient.c.id)
        .join(facility, facility.c.id == patient.c.facility_id)
        .where(patient.c.id == message.c.patient_id, facility.c.code.in_(others))
        .exists()
    )
    return ~elsewhere if home else elsewhere


def wakes_at(timing: Timing, channel: str, now: datetime) -> datetime | None:
    """When the channel opens next for some of those for whom it is closed now; None: it is open for all."""
    closed = [own for own in timing.calendars if not own.may_use(channel, now)]
    return min((timing.next_of(own, channel, now) for own in closed), default=None)
