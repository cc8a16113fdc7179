"""What a safety check found and a named person accepted; and how a patient may be contacted safely."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import BigKey, UtcDateTime

# applied_at: empty until the check did find it; two_persons: the campaign then waits for a second approver,
# who is `second_by` once they approved it
safety_acceptance = Table(
    "safety_acceptance",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("check_code", String(40), nullable=False),
    Column("accepted_by", String(80), nullable=False),
    Column("reason", Text, nullable=False),  # their words: the trail has a digest of it
    Column("accepted_at", UtcDateTime, nullable=False),
    Column("applied_at", UtcDateTime),
    Column("two_persons", Boolean, nullable=False, server_default=text("false")),
    Column("second_by", String(80)),
    UniqueConstraint("campaign_id", "check_code"),
    CheckConstraint("second_by IS NULL OR second_by <> accepted_by", name="second_is_another"),
)

# That reminders may leave on sources that are too old: by whom, and until when it counts (docs/decisions/0043).
# Of the check of an evening it stands beside `safety_acceptance`; given later it stands here alone
stale_acceptance = Table(
    "stale_acceptance",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("accepted_by", String(80), nullable=False),
    Column("reason", Text, nullable=False),  # their words: the trail has a digest of it
    Column("accepted_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
)
Index("ix_stale_acceptance_campaign_id", stale_acceptance.c.campaign_id)

# What the content gate found in a campaign's messages; `phrase` is the word list's, never the message's
content_finding = Table(
    "content_finding",
    METADATA,
    Column("campaign_id", ForeignKey("campaign.id"), primary_key=True, autoincrement=False),
    Column("check_code", String(40), primary_key=True),
    Column("phrase", String(80), primary_key=True),
    Column("messages", Integer, nullable=False),
    Column("first_rows", String(80), nullable=False),  # row numbers with commas between
)

# Which channels are safe for a patient, and a number that is (NEW-26); the one without an end is in force.
# Read for messages alone: no list, export or log has it (clinic/message/eligibility/safe_contact.py).
# source: staff, import; number: E.164
safe_contact = Table(
    "safe_contact",
    METADATA,
    Column("id", BigKey, primary_key=True, autoincrement=True),
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    Column("sms", Boolean, nullable=False),
    Column("email", Boolean, nullable=False),
    Column("voice", Boolean, nullable=False),
    Column("number", String(40)),
    Column("reason", Text, nullable=False),
    Column("source", String(10), nullable=False),
    Column("set_by", String(80), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("ended_by", String(80)),
    Column("ended_at", UtcDateTime),
    Column("ended_why", Text),
)
Index("ix_safe_contact_patient_id", safe_contact.c.patient_id)
Index(
    "uq_safe_contact_in_force",
    safe_contact.c.patient_id,
    unique=True,
    sqlite_where=safe_contact.c.ended_at.is_(None),
    postgresql_where=safe_contact.c.ended_at.is_(None),
)
