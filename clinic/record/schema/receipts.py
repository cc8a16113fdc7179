"""
What comes back: receipts of the network, replies of patients, and reminders that were given.

    receipt_inbox        every receipt as it came, written before anything is done about it
    message_part         a gateway's id of each part of a message, where its receipts name nothing else
    receipt_unread       what a gateway sent and nobody understood, as it came
    receipt_cursor       how far a gateway's receipts were pulled
    reply                every inbound text, keyword or not
    contact_hold         a number or patient that is sent nothing, for what a reply says, until staff decide
    address_decision     START or STOP by a number or address itself, whosever it is: the latest
    shared_decision      what a reply means for others who have its number: a person says
    reminder             which appointment a row of a reminder list speaks of, and its message
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import BigKey, UtcDateTime

# state: waiting (not looked at, or its message has no answer of the gateway yet), applied, ignored (its
# message was never tried), unmatched (no such message of that gateway, or seven days without an answer)
receipt_inbox = Table(
    "receipt_inbox",
    METADATA,
    Column("id", BigKey, primary_key=True),
    Column("gateway", String(40), nullable=False),
    Column("event_id", String(80), nullable=False),
    Column("reference", BigInteger),  # message.id; empty: it named nothing that could be one
    Column("outcome", String(12), nullable=False),  # accepted, delivered, undelivered, rejected
    Column("reason", String(60)),  # clinic/message/network_reasons.py
    Column("error_text", Text),
    Column("happened_at", UtcDateTime),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False, server_default="waiting"),
    # Where it names no reference: the gateway's id, whom it was sent to (until that is found), and the last
    # 16 bits of our message id, if it gave them back (clinic/message/parts.py)
    Column("gateway_ref", String(80)),
    Column("recipient", String(40)),
    Column("mark", Integer),
    UniqueConstraint("gateway", "event_id"),  # what comes again inserts nothing
    CheckConstraint(
        "outcome IN ('accepted', 'delivered', 'undelivered', 'rejected')", name="outcome_known"
    ),
)
Index(
    "ix_receipt_inbox_waiting",
    receipt_inbox.c.id,
    sqlite_where=receipt_inbox.c.state == "waiting",
    postgresql_where=receipt_inbox.c.state == "waiting",
)

# gateway_ref: in the form of clinic/gateway/smpp/ids.py, empty: it gave none; outcome: what receipts said of it
message_part = Table(
    "message_part",
    METADATA,
    Column("message_id", BigInteger, nullable=False),
    Column("part", Integer, nullable=False),
    Column("gateway", String(40), nullable=False),
    Column("gateway_ref", String(80), nullable=False),
    Column("outcome", String(12)),
    Column("reason", String(60)),
    Column("noted_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("message_id", "part"),
)
Index("ix_message_part_gateway_ref", message_part.c.gateway_ref)

# digest: of the whole entry, so that what comes again inserts nothing; body: its beginning
receipt_unread = Table(
    "receipt_unread",
    METADATA,
    Column("id", BigKey, primary_key=True),
    Column("gateway", String(40), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("why", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    UniqueConstraint("gateway", "digest"),
)

receipt_cursor = Table(
    "receipt_cursor",
    METADATA,
    Column("gateway", String(40), primary_key=True),
    Column("cursor", Text, nullable=False),  # as the gateway gave it
    Column("pulled_at", UtcDateTime, nullable=False),
)

# keyword: stop, start, help; empty: something that a person should read. marks: clinic/message/words/marks.py,
# empty: nobody has looked yet. state: open, in_hand, done (clinic/message/incoming/reply_work.py)
reply = Table(
    "reply",
    METADATA,
    Column("id", BigKey, primary_key=True),
    Column("gateway", String(40), nullable=False),
    Column("event_id", String(80), nullable=False),
    Column("channel", String(10), nullable=False),
    Column("address", String(320), nullable=False),  # E.164, or the e-mail address
    Column("text", Text, nullable=False),
    Column("keyword", String(10)),
    Column("happened_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    # Patients whose number or address it is; empty: nobody has looked yet
    Column("patients", Integer),
    Column("marks", String(60)),
    Column("state", String(10), nullable=False, server_default="open"),
    Column("owner", String(80)),
    Column("note", Text),  # what was done, in a person's words: the trail has a digest of it
    Column("state_by", String(80)),
    Column("state_at", UtcDateTime),
    UniqueConstraint("gateway", "event_id"),
)
Index(
    "ix_reply_new",
    reply.c.id,
    sqlite_where=text("patients IS NULL"),
    postgresql_where=text("patients IS NULL"),
)
Index(
    "ix_reply_unmarked",
    reply.c.id,
    sqlite_where=text("marks IS NULL"),
    postgresql_where=text("marks IS NULL"),
)
Index("ix_reply_address", reply.c.channel, reply.c.address)
Index(
    "ix_reply_not_done",
    reply.c.id,
    sqlite_where=text("state <> 'done'"),
    postgresql_where=text("state <> 'done'"),
)

# why: wrong_number, death. patient_id: 0: everybody to whom that number or address would be used.
# state: held, kept (what the reply says is right), released (it is not)
contact_hold = Table(
    "contact_hold",
    METADATA,
    Column("id", BigKey, primary_key=True),
    Column("reply_id", ForeignKey("reply.id"), nullable=False),
    Column("why", String(20), nullable=False),
    Column("channel", String(10), nullable=False),
    Column("address", String(320), nullable=False),
    Column("patient_id", BigInteger, nullable=False),
    Column("held_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False, server_default="held"),
    Column("decided_by", String(80)),
    Column("decided_at", UtcDateTime),
    Column("note", Text),
    UniqueConstraint("reply_id", "why", "patient_id"),
    CheckConstraint("state IN ('held', 'kept', 'released')", name="state_known"),
)
Index("ix_contact_hold_address", contact_hold.c.address)
Index("ix_contact_hold_patient_id", contact_hold.c.patient_id)

# A STOP or START from a number that several patients have, a row for each of whom it may not be meant.
# decision: opt_out, opt_in, as a person decided; lifted: a later START of the number made it idle
shared_decision = Table(
    "shared_decision",
    METADATA,
    Column("reply_id", ForeignKey("reply.id"), nullable=False),
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    Column("decision", String(10)),
    Column("decided_by", String(80)),
    Column("decided_at", UtcDateTime),
    PrimaryKeyConstraint("reply_id", "patient_id"),
    CheckConstraint("decision IN ('opt_out', 'opt_in', 'lifted')", name="decision_known"),
)
Index(
    "ix_shared_decision_open",
    shared_decision.c.reply_id,
    sqlite_where=text("decision IS NULL"),
    postgresql_where=text("decision IS NULL"),
)

address_decision = Table(
    "address_decision",
    METADATA,
    Column("channel", String(10), nullable=False),
    Column("address", String(320), nullable=False),
    Column("decision", String(10), nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("evidence", String(30), nullable=False),  # "reply 12", "by_link 16777218"
    PrimaryKeyConstraint("channel", "address"),
    CheckConstraint("decision IN ('opt_out', 'opt_in')", name="decision_known"),
)

# `starts_at` as it was promised: moved since, the message is not sent, and the new time is another reminder
reminder = Table(
    "reminder",
    METADATA,
    Column("list_id", ForeignKey("cohort_list.id"), nullable=False),
    Column("row_number", Integer, nullable=False),
    Column("appointment_id", BigInteger, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("message_id", BigInteger, unique=True),  # empty until it is staged
    # Where and with whom, as far as the text tells it; changed since, the message is not sent either
    Column("place", Text),
    Column("facility_id", Integer),
    Column("provider_id", Integer),
    PrimaryKeyConstraint("list_id", "row_number"),
)
# One reminder an appointment and time, however often it runs
Index(
    "uq_reminder_given",
    reminder.c.appointment_id,
    reminder.c.starts_at,
    unique=True,
    sqlite_where=reminder.c.message_id.is_not(None),
    postgresql_where=reminder.c.message_id.is_not(None),
)

# The visit that a message tells of, where its campaign is none of reminders: as it was when the text was made
told_visit = Table(
    "told_visit",
    METADATA,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("appointment_id", BigInteger, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("place", Text),
    Column("facility_id", Integer),
    Column("provider_id", Integer),
)
