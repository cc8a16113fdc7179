"""What patients open by a link (clinic/record/schema/door/links.py)."""

from __future__ import annotations

from typing import Final

from clinic.personal_data.held import TableHeld
from clinic.personal_data.kinds import Kind, Purpose, Retention, Rows, Section
from clinic.personal_data.reach import Through
from clinic.record.schema.door.links import attachment, link_use, patient_link
from clinic.record.schema.messages import message

DOOR: Final = (
    TableHeld(
        table=attachment,
        about="a document that campaigns lead to: the same one for all of their patients",
        purpose=Purpose.MESSAGING,
        retention=Retention.TRAIL,
        section="of campaigns as a whole: nothing of one person",
        rows=Rows.NONE,
        columns={
            Kind.PRACTICE: "name kind content",
            Kind.STAFF: "taken_by",
            Kind.WORK: "sha256 pages size taken_at",
        },
    ),
    TableHeld(
        table=patient_link,
        about="a link to a document that a message had, as a digest, and how often it was tried wrongly",
        purpose=Purpose.MESSAGING,
        retention=Retention.LEDGER,
        section=Section.MESSAGES,
        rows=Rows.KEEP,
        routes=(Through(message, "message_id", "id"),),
        columns={
            Kind.EVENT: "purpose campaign_id made_at expires_at tries wait_until locked_at revoked_at",
            Kind.KEY: "message_id",
            Kind.SECRET: "digest",
        },
    ),
    TableHeld(
        table=link_use,
        about="that a link was opened, or tried with a wrong date of birth, and when",
        purpose=Purpose.MESSAGING,
        retention=Retention.LEDGER,
        section=Section.MESSAGES,
        rows=Rows.KEEP,
        routes=(Through(patient_link, "digest", "digest"),),
        columns={Kind.EVENT: "what at", Kind.KEY: "id", Kind.SECRET: "digest"},
    ),
)
