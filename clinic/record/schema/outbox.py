"""
The outbox: what the embedded gateway has taken, as it would have been sent.

    outbox_submission 1 ── n outbox     one a submission: its key is unique, so a replay inserts nothing
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import UtcDateTime

outbox_submission = Table(
    "outbox_submission",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String(80), nullable=False, unique=True),
    Column("channel", String(10), nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
)

# A message under two keys would be two rows: the outbox hides no doubled message
outbox = Table(
    "outbox",
    METADATA,
    Column("submission_id", ForeignKey("outbox_submission.id"), nullable=False),
    Column("reference", BigInteger, nullable=False),  # message.id
    Column("address", String(320), nullable=False),
    Column("subject", Text),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("submission_id", "reference"),
    sqlite_with_rowid=False,
)
