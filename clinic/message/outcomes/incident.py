"""
Who got what and when of one campaign, and whether they were corrected: for the report to the regulator.

A row for each patient who got it, or may have: all of the campaign, and of those that sent its failures again.
The file holds patient data: it is written for one account alone, like every other.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, Final, NamedTuple, TextIO

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.outcomes.incident_address import Went, marks_of, whose_now
from clinic.message.safety.corrected import GOT, look_at
from clinic.message.safety.corrected_by import corrections_of, family_of
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.safe_numbers import shown
from clinic.record.schema.messages import message, recipient
from clinic.record.schema.people import patient
from clinic.record.told import of_teller
from clinic.values.formula import safe_cell

PAGE: Final = 5_000
_BECAME: Final = ("sent_at", "state", "status_at")  # of it, or of the message that told them
HEADINGS: Final = (
    "Bulk Outreach ID", "Row", "NHS Number", "Local ID", "Given Name", "Family Name", "By", "Address",
    "Address now", "Marks", "Subject", "Text", "Sent", "Got it", "Known since",
    "Correction", "Correction sent", "Correction was",
)  # fmt: skip
_SAYS: Final = {
    states.DELIVERED: "delivered",
    states.ACCEPTED: "sent, no delivery receipt",
    states.UNKNOWN: "may have got it: nobody knows",
}


class Got(NamedTuple):
    """One message that a patient got, or may have."""

    id: int
    campaign_id: int
    row_number: int
    patient_id: int
    nhs_number: str | None
    local_id: str | None
    given_name: str | None
    family_name: str | None
    channel: str
    address: str
    used: str
    sensitive: bool
    record_version: int | None
    death_date: date | None
    deregistered_on: date | None
    subject: str | None
    body: str
    sent_at: datetime | None
    state: str
    status_at: datetime | None


class _Correction(NamedTuple):
    """What became of a patient's correction."""

    campaign_id: int
    sent_at: datetime | None
    state: str


def write_incident(
    record: Record,
    campaign_id: int,
    file: TextIO,
    show: Callable[[datetime | None], str],
    *,
    by: str,
) -> int:
    """
    Write the rows as CSV into a text file opened with `newline=""`; how many there are.

    show: an instant as the practice's clock has it; by: who reads it

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it is still being sent, or nobody can have got it
    """
    with record.read() as connection:
        look_at(connection, campaign_id)
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    count = 0
    for one, whose, correction in _rows(record, campaign_id, by):
        told = (
            (str(correction.campaign_id), show(correction.sent_at), correction.state)
            if correction
            else ()
        )
        cells = (
            str(one.campaign_id), str(one.row_number), one.nhs_number, one.local_id, one.given_name,
            one.family_name, one.channel, one.address, whose, _marks(one), one.subject, one.body,
            show(one.sent_at), _SAYS[one.state], show(one.status_at), *(told or ("none", "", "")),
        )  # fmt: skip
        writer.writerow([safe_cell(cell) if cell else "" for cell in cells])
        count += 1
    return count


def _rows(
    record: Record, campaign_id: int, by: str
) -> Iterator[tuple[Got, str, _Correction | None]]:
    """In the order of their messages, a page in memory at a time."""
    last = 0
    while True:
        with record.read() as connection:
            page = _page(connection, campaign_id, last)
            corrected = _corrections(connection, campaign_id, [one.patient_id for one in page])
            now = whose_now(
                connection,
                [Went(one.patient_id, one.channel, one.used, one.address) for one in page],
                by=by,
            )
        for one, whose in zip(page, now, strict=True):
            yield one, whose, corrected.get(one.patient_id)
        if len(page) < PAGE:
            return
        last = page[-1].id


def _marks(one: Got) -> str:
    left = {"deceased": one.death_date, "left the practice": one.deregistered_on}
    return marks_of(one.sensitive, one.record_version, left)


def _page(connection: Connection, campaign_id: int, after: int) -> list[Got]:
    p = patient.c
    rows = connection.execute(
        sa.select(
            message.c.id, message.c.campaign_id, message.c.row_number, message.c.patient_id, p.nhs_number,
            p.local_id, p.given_name, p.family_name, message.c.channel,
            shown(message.c.address, message.c.patient_id), message.c.address, message.c.sensitive,
            recipient.c.record_version, p.death_date, p.deregistered_on,
            message.c.subject, message.c.body, *(of_teller(name) for name in _BECAME),
        )
        .outerjoin(patient, p.id == message.c.patient_id)
        .outerjoin(
            recipient,
            (recipient.c.campaign_id == message.c.campaign_id)
            & (recipient.c.row_number == message.c.row_number),
        )
        .where(
            message.c.campaign_id.in_(family_of(connection, campaign_id)),
            of_teller("state").in_(GOT),
            message.c.id > after,
        )
        .order_by(message.c.id)
        .limit(PAGE)
    )  # fmt: skip
    return [_with_own_number(Got(*row)) for row in rows]


def _with_own_number(one: Got) -> Got:
    """Somebody who is not in the record is known by their NHS number alone."""
    return one._replace(nhs_number=f"{-one.patient_id:010}") if one.patient_id < 0 else one


def _corrections(
    connection: Connection, campaign_id: int, patients: list[int]
) -> dict[int, _Correction]:
    """By patient: the latest correction."""
    columns: list[sa.ColumnElement[Any]] = [
        message.c.patient_id, message.c.campaign_id, of_teller("sent_at"), of_teller("state"),
    ]  # fmt: skip
    rows = connection.execute(
        sa.select(*columns)
        .where(
            message.c.campaign_id.in_(corrections_of(connection, campaign_id)),
            is_any_of(message.c.patient_id, patients),
        )
        .order_by(message.c.id)
    )
    return {row[0]: _Correction(*row[1:]) for row in rows}
