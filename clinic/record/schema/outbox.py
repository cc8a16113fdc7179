"""
The outbox: what the embedded gateway has taken, and a mark of each as it would have been sent.

    outbox_submission 1 ── n outbox     one a submission: its key is unique, so a replay inserts nothing

The text is in the ledger, once (docs/decisions/0038-a-text-once.md). The mark is made of what came in at the
gateway, so that it bears witness of its own: clinic/gateway/outbox.py.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
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
    # A keyed digest of address, subject and text; empty: kept by a version that kept the text itself
    Column("mark", LargeBinary),
    PrimaryKeyConstraint("submission_id", "reference"),
    sqlite_with_rowid=False,
)
