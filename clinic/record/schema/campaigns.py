"""What keeps a campaign safe over days, and what one is made of. Its settings: `campaign` (messages.py)."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import UtcDateTime

# One row a lane ("gateway sms", "campaign 7"), locked while somebody takes from it: so its pace holds over
# all processes. `taken` says how many messages were taken when (clinic/message/timing/pacing.py)
pace_lane = Table(
    "pace_lane",
    METADATA,
    Column("lane", String(60), primary_key=True),
    Column("taken", Text, nullable=False),  # JSON
)

# A gateway that takes nothing, for the campaigns that have another one; one that takes messages has no row
# (clinic/message/failover/standing.py)
gateway_standing = Table(
    "gateway_standing",
    METADATA,
    Column("gateway", String(40), nullable=False),
    Column("channel", String(10), nullable=False),
    Column("place_sha256", String(64)),  # where it led (clinic/message/sending/place.py)
    Column("failing_since", UtcDateTime, nullable=False),
    Column("failed_at", UtcDateTime, nullable=False),  # the last time
    Column("out_at", UtcDateTime, nullable=False),  # from then on others send instead
    Column("again_at", UtcDateTime),  # when it is tried again; empty: not by itself
    Column("code", String(40)),  # why at once: a code that halts; empty: it took nothing for long
    Column("trouble", String(200)),  # what it said, in a sentence
    PrimaryKeyConstraint("gateway", "channel"),
)

# Whom a campaign may message by another channel, where its own cannot reach them (decision 0051). why:
# no_address, or failed if it comes to that; outcome: what the other channel says of them; segments: what their
# message costs there; taken_by: the campaign that messages them, written once. By its key nobody is taken twice
fallback_person = Table(
    "fallback_person",
    METADATA,
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("patient_id", BigInteger, nullable=False),
    Column("row_number", Integer, nullable=False),
    Column("why", String(10), nullable=False),
    Column("outcome", String(30), nullable=False),
    Column("segments", SmallInteger, nullable=False, server_default="1"),
    Column("taken_by", ForeignKey("campaign.id")),
    PrimaryKeyConstraint("campaign_id", "patient_id"),
)
Index("ix_fallback_person_row", fallback_person.c.campaign_id, fallback_person.c.row_number)

# A bulk message that somebody composes at the desk, until it is sent or discarded. Who moves it:
# clinic/message/drafts/draft.py
# asked: JSON, what was chosen so far, no patient's data; file: an upload that is not imported yet, below
# home/uploads; rows: of what was chosen, where that is known; request_key: of the next campaign made of it;
# mark: keyed, that its owner said to send it; tries: how often its work was begun without an end
draft = Table(
    "draft",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("owner", String(80), nullable=False),
    Column("state", String(10), nullable=False),
    Column("request_key", String(80), nullable=False, unique=True),
    Column("asked", Text, nullable=False),
    Column("file", Text),
    Column("rows", Integer),
    Column("list_id", Integer),
    Column("campaign_id", Integer),
    Column("problem", String(60), nullable=False),
    Column("says", Text, nullable=False),
    Column("mark", String(64), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_draft_owner", draft.c.owner)
