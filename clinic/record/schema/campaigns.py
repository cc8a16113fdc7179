"""What keeps a campaign safe over days. Its own settings are columns of `campaign` (messages.py)."""

from sqlalchemy import Column, String, Table, Text

from clinic.record.schema.base import METADATA

# One row a lane ("gateway sms", "campaign 7"), locked while somebody takes from it: so its pace holds over
# all processes. `taken` says how many messages were taken when (clinic/message/timing/pacing.py)
pace_lane = Table(
    "pace_lane",
    METADATA,
    Column("lane", String(60), primary_key=True),
    Column("taken", Text, nullable=False),  # JSON
)
