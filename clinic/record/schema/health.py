"""What `cohort health` found and has not ended: one row a finding, so that each is told once."""

from sqlalchemy import Boolean, Column, String, Table, text

from clinic.record.schema.base import METADATA
from clinic.record.types import UtcDateTime

# told: by an event, that it began; mailed_at: when somebody was last written to that it is so.
# A row goes when its end was told both ways (clinic/health/noted.py, clinic/health/mailed.py)
health_finding = Table(
    "health_finding",
    METADATA,
    Column("code", String(40), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("told", Boolean, nullable=False, server_default=text("false")),
    Column("mailed_at", UtcDateTime),
)
