"""Settings that one person alone may not change: in the record, and not in the requester's own environment."""

from sqlalchemy import Column, Integer, String, Table, Text

from clinic.record.schema.base import METADATA
from clinic.record.types import UtcDateTime

governed_setting = Table(
    "governed_setting",
    METADATA,
    Column("name", String(60), primary_key=True),  # "release.approval_above"
    Column("value", Text, nullable=False),  # JSON
    Column("set_at", UtcDateTime, nullable=False),
    Column("set_by", String(80), nullable=False),  # who asked for it
    Column("approved_by", String(80)),  # empty: the first value, at installation
    Column("approval_id", Integer),
)
