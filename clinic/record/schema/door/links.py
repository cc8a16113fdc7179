"""
What patients open by a link: documents, links, and every use of one.

    campaign n ── 1 attachment    by its SHA-256, which an approval of the campaign covers
    message  1 ── n patient_link  one a purpose; the token itself is nowhere
    patient_link 1 ── n link_use
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import BigKey, UtcDateTime

# A document as it was cleaned (clinic/attach); the same one is kept once
attachment = Table(
    "attachment",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("kind", String(10), nullable=False),  # pdf, png, jpeg
    Column("pages", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("taken_by", String(80), nullable=False),
)

# digest: SHA-256 of the token that stands in the message
patient_link = Table(
    "patient_link",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("purpose", String(10), nullable=False),  # document
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default="0"),  # since the last right one
    Column("wait_until", UtcDateTime),
    Column("locked_at", UtcDateTime),  # until staff unlock it
    Column("revoked_at", UtcDateTime),
    UniqueConstraint("message_id", "purpose"),
)
Index("ix_patient_link_campaign_id", patient_link.c.campaign_id)

link_use = Table(
    "link_use",
    METADATA,
    Column("id", BigKey, primary_key=True),
    Column("digest", ForeignKey("patient_link.digest"), nullable=False, index=True),
    Column("what", String(10), nullable=False),  # proven, opened, wrong, locked, unlocked
    Column("at", UtcDateTime, nullable=False),
)
