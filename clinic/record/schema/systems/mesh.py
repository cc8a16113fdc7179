"""Reports of campaigns that go to a practice's mailbox by MESH: `mesh_report`, one a report."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import UtcDateTime

# state: waiting, sending (asked, no answer yet), sent, acknowledged (the practice has it), unknown (whether
# MESH has it), refused
mesh_report = Table(
    "mesh_report",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("number", Integer, nullable=False),  # of this campaign's reports, from 1
    Column("local_id", String(60), nullable=False, unique=True),  # by which MESH knows it from us
    Column("state", String(12), nullable=False),
    Column("message_id", String(60)),  # MESH's own
    Column("rows", Integer),
    Column("sha256", String(64)),  # of the file that was sent
    Column("asked_by", String(80), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("acknowledged_at", UtcDateTime),
    Column("problem", String(60)),  # a code
    UniqueConstraint("campaign_id", "number"),
    CheckConstraint(
        "state IN ('waiting', 'sending', 'sent', 'acknowledged', 'unknown', 'refused')",
        name="state_known",
    ),
)
