"""
Appointments that a source has no more, though it holds all of some days: they are cancelled, up to a share.

Never where the source holds so much less than before that nobody would expect it, nor while a row that cannot
be read may be one of them: then none is cancelled, and both counts are said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa

from clinic.imports.options import Complete
from clinic.record.bulk import plain_rows
from clinic.record.database import Record
from clinic.record.schema.people import appointment, appointment_source


@dataclass(frozen=True)
class Gone:
    """Those that are booked and not there: their `ids`, and whose they are; `booked`: how many are in all."""

    ids: list[int] = field(default_factory=list)
    patients: list[int] = field(default_factory=list)
    booked: int = 0

    def why_not(self, unclear: int, complete: Complete | None) -> str:
        """
        Why none of them is cancelled; "" where they are, or where there is none.

        Args:
            unclear: rows that cannot be read, and may be any appointment's
        """
        if complete is None or not self.ids:
            return ""
        lacks = (
            f"the file lacks {len(self.ids):,} of the {self.booked:,} appointments that are booked from "
            f"{complete.first} to {complete.last}"
        )
        if unclear:
            return (
                f"{lacks}, and {unclear:,} of its rows cannot be read and may be those: none was cancelled. "
                "Put these rows right, and import the file again"
            )
        if len(self.ids) > complete.most * self.booked:
            return (
                f"{lacks}, more than {complete.most:.0%}: none of them was cancelled. Is the file whole, and "
                "are the days right? If they are, give a larger share: --most-gone, or most_gone of the source"
            )
        return ""


def find_gone(
    record: Record, source: str, zone: str, complete: Complete | None, seen: np.ndarray
) -> Gone:
    """The source's booked appointments of these days that are not among `seen`."""
    if complete is None or complete.first is None or complete.last is None:
        return Gone()
    begin, end = (
        datetime.combine(day, time(0), ZoneInfo(zone))
        for day in (complete.first, complete.last + timedelta(days=1))
    )
    query = (
        sa.select(appointment.c.id, appointment.c.patient_id)
        .join(appointment_source, appointment_source.c.appointment_id == appointment.c.id)
        .where(
            appointment_source.c.source == source, appointment.c.status == "booked",
            appointment.c.starts_at >= begin, appointment.c.starts_at < end,
        )
    )  # fmt: skip
    with record.read() as connection:
        booked = {int(key): int(who) for key, who in plain_rows(connection.execute(query))}
    ids = np.setdiff1d(np.array(list(booked), dtype="int64"), seen).tolist()
    return Gone(ids, [booked[key] for key in ids], len(booked))
