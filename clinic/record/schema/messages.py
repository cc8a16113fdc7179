"""
The ledger: campaigns, who was left out of them, their messages, batches and submissions.

    campaign 1 ── n recipient     one a row of the list, with its outcome before sending
    campaign 1 ── n batch         at most 1,000 messages: the unit that is claimed and sent
    batch    1 ── n message       body and address frozen; its id is the gateway's reference
    batch    1 ── n submission    one an attempt; its id is the idempotency key; one open at most

What each state means and who may write it: clinic/message/states.py.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import BigKey, UtcDateTime

# A campaign's gateway where nothing is sent: its messages are kept in the outbox of the record
OUTBOX: Final = "outbox"
# Of a message: the gateway has, or had, it
LEFT: Final = frozenset({"accepted", "delivered", "undelivered"})
# Of a campaign: what still waits in it may leave yet
QUEUED: Final = ("awaiting_approval", "scheduled", "running", "paused", "held", "missed")

# One row. `install_id` names this database to gateways; `epoch` changes when it was restored or cloned
installation = Table(
    "installation",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("install_id", String(36), nullable=False),
    Column("epoch", Integer, nullable=False, server_default="1"),
    Column("created_at", UtcDateTime, nullable=False),
    # Nothing is sent while there is one: clinic/message/campaign/sending_stop.py
    Column("stopped_code", String(40)),
    Column("stopped_by", String(80)),
    Column("stopped_at", UtcDateTime),
    # The PostgreSQL cluster and timeline that a person knows of; another shows a restore or a failover
    Column("cluster", String(60)),
    # The last `cohort backup` of it, and the last one that was checked: clinic/backup/noted.py
    Column("backup_at", UtcDateTime),
    Column("backup_checked_at", UtcDateTime),
    # When `settle` last looked after it: clinic/health/noted.py
    Column("watched_at", UtcDateTime),
    CheckConstraint("id = 1", name="only_one"),
)

# Its id is the Bulk Outreach ID (ARC-18)
campaign = Table(
    "campaign",
    METADATA,
    Column("id", Integer, primary_key=True),
    # Its messages' ids, the gateway's references, are this and their row (clinic/message/codes.py)
    Column("message_base", BigInteger, nullable=False, unique=True),
    Column(
        "request_key", String(80), nullable=False, unique=True
    ),  # the same request twice is one campaign
    Column("list_id", ForeignKey("cohort_list.id"), nullable=False),
    Column("template_version_id", ForeignKey("template_version.id"), nullable=False),
    Column("list_name", Text, nullable=False),
    Column("channel", String(10), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("gateway", String(40), nullable=False),
    # Of several gateways all of them, the first choice first, with a space between two; and, if each has a
    # part of the batches, these parts in the same order: clinic/message/failover/ways.py
    Column("gateways", String(200)),
    Column("gateway_shares", String(100)),
    Column("dry_run", Boolean, nullable=False, server_default=text("false")),
    Column("save_to_record", Boolean, nullable=False, server_default=text("true")),
    Column("save_when", String(10), nullable=False, server_default="sent"),
    Column("snomed_codes", Text),
    Column("state", String(20), nullable=False),
    Column("state_reason", Text),
    # Of list, template and channel (and of the request, where nothing is sent): unique, so that the same
    # is not sent twice by mistake; empty when the sender asked for that with --again, when failures are
    # sent again, and once nothing of the campaign can leave any more
    Column("send_guard", String(64), unique=True),
    Column("batch_size", Integer, nullable=False, server_default="1000"),
    Column("resend_of", ForeignKey("campaign.id")),
    Column("rows", Integer, nullable=False, server_default="0"),
    Column(
        "checked_rows", Integer, nullable=False, server_default="0"
    ),  # how far check_cohort came
    Column("staged_rows", Integer, nullable=False, server_default="0"),  # how far render came
    Column(
        "rewritten", Text
    ),  # JSON: typographic character → messages in which it was replaced; see also count_unfilled
    Column("requested_by", String(80), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("released_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("row_version", Integer, nullable=False, server_default="1"),
    # --- its time: clinic/message/timing/schedule.py, pacing.py
    Column("start_at", UtcDateTime),  # empty: at once
    Column("latest_start", UtcDateTime),  # later than this it is missed, and a person must look
    Column("stagger_days", Integer),
    Column("resumed_at", UtcDateTime),  # by a person; what failed before does not halt it again
    Column("pace_second", Integer),
    Column("pace_hour", Integer),
    Column("pace_day", Integer),
    # --- what must be before it is sent: clinic/message/prepare/approve.py, canary.py
    Column("manifest_sha256", String(64)),  # of all that was released
    Column("canary_size", Integer),  # batch 1 is so large and goes first; empty: there is none
    Column("canary_until", UtcDateTime),  # when the rest may follow; empty: batch 1 is not done
    Column("canary_passed", Boolean, nullable=False, server_default=text("false")),
    # --- that it halted itself, and that this was told: clinic/message/campaign/circuit_breaker.py
    Column("halted_at", UtcDateTime),  # the last time
    Column("halt_told_at", UtcDateTime),  # the `halted_at` that was told; empty: none was
    # --- that the record was set back: clinic/message/campaign/doubt.py
    Column("doubt_since", UtcDateTime),  # its messages may have left from then; empty: no doubt
    Column("doubt_until", UtcDateTime),
    Column("doubt_said", String(10)),  # what a person said of it: asked, noted, repeat, unknown
    # So many runs send it together: tasks/runs/beside.py
    Column("workers", Integer, nullable=False, server_default="1"),
    # --- by which other channel, after how many hours, whoever this one cannot reach is messaged, with which
    # template and through which gateways; the record's epoch then: clinic/message/fallback
    Column("fallback", String(10)),
    Column("fallback_after", Integer),
    Column("fallback_version_id", Integer),
    Column("fallback_gateways", String(200)),
    Column("fallback_epoch", Integer),
    # The document that its messages lead to (clinic/record/schema/door/links.py)
    Column("attachment_sha256", String(64)),
    CheckConstraint("save_when IN ('sent', 'delivered')", name="save_when_known"),
)
Index("ix_campaign_list_id", campaign.c.list_id, campaign.c.template_version_id)

# Every input row's outcome before sending: "accepted", or why not (clinic/cohort/outcomes.py)
recipient = Table(
    "recipient",
    METADATA,
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("row_number", Integer, nullable=False),
    Column(
        "patient_id", BigInteger
    ),  # below 0: minus the NHS number of somebody not in the record (ACX-21)
    Column("outcome", String(30), nullable=False),
    Column("detail", String(60)),  # which variable, which row it repeats: never a patient's value
    Column("address", String(320)),  # as the gateway takes it: E.164, or the e-mail address
    Column("evidence", String(30)),  # which decision left them out: "consent 12", "reply 5"
    # Of the patient when `address` was read from the record; empty: it is the list's own; -1: a proxy's
    Column("record_version", Integer),
    Column("keep_day", Date),  # the earliest day that its message asks to keep; empty: none
    PrimaryKeyConstraint("campaign_id", "row_number"),
    sqlite_with_rowid=False,
)
Index("ix_recipient_patient_id", recipient.c.campaign_id, recipient.c.patient_id)

batch = Table(
    "batch",
    METADATA,
    Column("id", BigKey, primary_key=True, autoincrement=False),  # campaign_id * 2**20 + number
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("number", Integer, nullable=False),  # from 1
    Column("state", String(10), nullable=False),  # ready, leased, done, held
    Column("owner", String(80)),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("lease_until", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),  # submissions proven not sent
    Column(
        "deaths", Integer, nullable=False, server_default="0"
    ),  # workers lost while they held it
    Column("size", Integer, nullable=False),
    Column(
        "accepted", Integer, nullable=False, server_default="0"
    ),  # by the gateway, delivered included
    Column("rejected", Integer, nullable=False, server_default="0"),
    Column("unknown", Integer, nullable=False, server_default="0"),
    Column(
        "suppressed", Integer, nullable=False, server_default="0"
    ),  # and cancelled, expired, exhausted
    Column(
        "saved", Boolean, nullable=False, server_default=text("false")
    ),  # clinical items written
    # Saved, and no receipt is awaited any more: clinic/message/incoming/apply_receipts.py
    Column("settled", Boolean, nullable=False, server_default=text("false")),
    Column("trouble", String(200)),  # why the last call took nothing, in a sentence; empty: it did
    # More of it was begun than a record that was set back knows: clinic/message/campaign/noted.py
    Column("lost", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("campaign_id", "number"),
)
Index("ix_batch_state", batch.c.state, batch.c.not_before)
Index(
    "ix_batch_unsettled",
    batch.c.campaign_id,
    sqlite_where=text("NOT settled"),
    postgresql_where=text("NOT settled"),
)

message = Table(
    "message",
    METADATA,
    Column(
        "id", BigKey, primary_key=True, autoincrement=False
    ),  # campaign.message_base + row_number
    Column("campaign_id", Integer, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("patient_id", BigInteger, nullable=False),
    Column("row_number", Integer, nullable=False),
    Column("channel", String(10), nullable=False),
    Column("address", String(320), nullable=False),
    Column("subject", Text),
    Column("body", Text, nullable=False),
    Column("segments", SmallInteger, nullable=False, server_default="1"),
    Column("state", String(12), nullable=False, server_default="pending"),
    Column("reason", String(60)),  # of suppressed, rejected, undelivered: a code
    Column("error_text", Text),  # what the gateway said, cut to 200 characters
    Column("evidence", String(30)),  # what decided that it is left out: "consent 12", "reply 5"
    Column("gateway_ref", String(80)),
    # Which gateway it was sent through; empty: its campaign's, or it was not sent
    Column("gateway", String(40)),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("sent_at", UtcDateTime),
    Column("status_at", UtcDateTime),
    # --- as its number was judged: clinic/message/sharing
    Column("sensitive", Boolean, nullable=False, server_default=text("false")),  # by its words
    Column("greeting", String(10), nullable=False, server_default=""),  # name, guardian, neutral
    Column("told_by", BigInteger),  # the message that says the same to the same number, for both
    # What makes "twice" impossible to write
    UniqueConstraint("campaign_id", "patient_id", "channel"),
)
Index("ix_message_batch_id", message.c.batch_id)
# In the order of their ids: what a patient had lately is at the end (clinic/message/eligibility/contact.py)
Index("ix_message_patient_id", message.c.patient_id, message.c.id)
# To find who tells others of a number (clinic/message/sharing/together.py)
Index(
    "ix_message_neutral",
    message.c.campaign_id,
    message.c.address,
    sqlite_where=text("greeting = 'neutral'"),
    postgresql_where=text("greeting = 'neutral'"),
)
Index(
    "ix_message_told_by",
    message.c.told_by,
    sqlite_where=text("told_by IS NOT NULL"),
    postgresql_where=text("told_by IS NOT NULL"),
)

# One attempt at one batch. Written before the first byte leaves; its id is the idempotency key
submission = Table(
    "submission",
    METADATA,
    Column("id", String(36), primary_key=True),  # codes.submission_id
    Column("batch_id", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("gateway", String(40), nullable=False),
    Column("gateway_class", String(1), nullable=False),  # I, R, L, B (clinic/gateway/protocol.py)
    Column("fence", Integer, nullable=False),
    Column("owner", String(80), nullable=False),
    Column("state", String(10), nullable=False),  # intent, acked, not_sent, ambiguous
    Column("members", LargeBinary, nullable=False),  # message ids, little-endian int64, ascending
    Column("open_members", LargeBinary, nullable=False),  # those without an answer yet
    Column(
        "per_request", Integer, nullable=False
    ),  # how members are cut into requests, for replays
    Column("payload_sha256", String(64), nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("window_until", UtcDateTime),  # until when the gateway remembers the key
    Column("closed_at", UtcDateTime),
    Column("place_sha256", String(64)),  # where it went (clinic/message/sending/place.py)
    UniqueConstraint("batch_id", "attempt"),
)
Index(
    "uq_submission_open",
    submission.c.batch_id,
    unique=True,
    sqlite_where=submission.c.state == "intent",
    postgresql_where=submission.c.state == "intent",
)

# Who answers for a list that the gate would stop, and why; applied_at: empty until it did stop it
gate_override = Table(
    "gate_override",
    METADATA,
    Column("campaign_id", ForeignKey("campaign.id"), primary_key=True, autoincrement=False),
    Column("overridden_by", String(80), nullable=False),
    Column("reason", Text, nullable=False),  # their words: the trail has a digest of it
    Column("given_at", UtcDateTime, nullable=False),
    Column("applied_at", UtcDateTime),
)

# What the gate said of the list as a whole: names, counts and shares; no patient's value
check_result = Table(
    "check_result",
    METADATA,
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("suite", String(40), nullable=False),
    Column("verdict", String(10), nullable=False),  # pass, warn, stop
    Column("checks", Text, nullable=False),  # JSON
    Column("checked_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("campaign_id", "suite"),
)
