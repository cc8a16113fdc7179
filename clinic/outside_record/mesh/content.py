"""The report of a campaign as a practice gets it: a row for each message on a patient's record, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.outcomes.save import STATUS_WORDS
from clinic.record.schema.messages import message
from clinic.record.schema.people import clinical_item, patient
from clinic.values.formula import safe_cell

HEADINGS: Final = (
    "Bulk Outreach ID", "Message", "NHS Number", "Local ID", "By", "Sent", "Status", "Status since",
    "SNOMED CT codes", "Text",
)  # fmt: skip


def report_of(
    connection: Connection, campaign_id: int, show: Callable[[datetime | None], str]
) -> tuple[bytes, int]:
    """The file, and how many rows it has. show: an instant as the practice's clock has it"""
    i, m, p = clinical_item.c, message.c, patient.c
    rows = connection.execute(
        sa.select(
            i.campaign_id, i.id, p.nhs_number, p.local_id, i.channel, i.sent_at, i.status, i.status_at,
            i.snomed_codes, m.body,
        )
        .join(message, m.id == i.id)
        .join(patient, p.id == i.patient_id)
        .where(i.campaign_id == campaign_id)
        .order_by(i.id)
    )  # fmt: skip
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    count = 0
    for row in rows:
        cells = (
            str(row.campaign_id), str(row.id), row.nhs_number, row.local_id, row.channel, show(row.sent_at),
            STATUS_WORDS[row.status], show(row.status_at), row.snomed_codes, row.body,
        )  # fmt: skip
        writer.writerow([safe_cell(cell) if cell else "" for cell in cells])
        count += 1
    return text.getvalue().encode("utf-8"), count
