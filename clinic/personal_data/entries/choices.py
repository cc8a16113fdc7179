"""What patients decided of being contacted, what staff decided for one of them, and what came from them."""

from __future__ import annotations

from typing import Final

from clinic.personal_data.held import TableHeld
from clinic.personal_data.kinds import Erasure, Kind, Purpose, Retention, Rows, Section
from clinic.personal_data.reach import ByAddress, ByKey, ByWords, Through
from clinic.record.schema.lists import template_exception
from clinic.record.schema.messages import message
from clinic.record.schema.people import consent
from clinic.record.schema.receipts import (
    address_decision,
    contact_hold,
    receipt_cursor,
    receipt_inbox,
    receipt_unread,
    reply,
    shared_decision,
)
from clinic.record.schema.safety import safe_contact

CHOICES: Final = (
    TableHeld(
        table=consent,
        about="a decision of a patient about messages",
        purpose=Purpose.CHOICES,
        retention=Retention.CHOICES,
        section=Section.CHOICES,
        rows=Rows.DELETE,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.CHOICE: "channel purpose decision source code",
            Kind.EVENT: "decided_at mapped_from",
            Kind.STAFF: "taken_by",
            Kind.KEY: "id patient_id",
        },
    ),
    TableHeld(
        table=address_decision,
        about="STOP or START by a number or address, whosever it is",
        purpose=Purpose.CHOICES,
        retention=Retention.CHOICES,
        section=Section.CHOICES,
        rows=Rows.KEEP,
        routes=(ByAddress("address"),),
        columns={
            Kind.CONTACT: "address",
            Kind.CHOICE: "channel decision",
            Kind.EVENT: "decided_at evidence",
        },
        erased={"address": Erasure.HASH},
        kept={
            "channel": "with the hash of the address, so that the objection still holds",
            "decision": "with the hash of the address, so that the objection still holds",
        },
    ),
    TableHeld(
        table=shared_decision,
        about="what a STOP from a number of several patients means for one of them",
        purpose=Purpose.CHOICES,
        retention=Retention.CHOICES,
        section=Section.CHOICES,
        rows=Rows.DELETE,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.CHOICE: "decision",
            Kind.EVENT: "decided_at",
            Kind.STAFF: "decided_by",
            Kind.KEY: "reply_id patient_id",
        },
    ),
    TableHeld(
        table=safe_contact,
        about="which ways to reach a patient are safe, and why",
        purpose=Purpose.CHOICES,
        retention=Retention.CHOICES,
        section=Section.CHOICES,
        rows=Rows.DELETE,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.CHOICE: "sms email voice",
            Kind.CONTACT: "number",
            Kind.WORDS: "reason ended_why",
            Kind.EVENT: "source set_at ended_at",
            Kind.STAFF: "set_by ended_by",
            Kind.KEY: "id patient_id",
        },
        third="reason ended_why",
    ),
    TableHeld(
        table=template_exception,
        about="what staff decided for one patient and one template",
        purpose=Purpose.CHOICES,
        retention=Retention.CHOICES,
        section=Section.DECISIONS,
        rows=Rows.EMPTY,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.CARE: "lifts",
            Kind.WORDS: "reason",
            Kind.EVENT: "set_at ended_at template_id",
            Kind.STAFF: "set_by ended_by",
            Kind.KEY: "id patient_id",
        },
        kept={"lifts": "a code of the template's own rule; nobody is messaged by it any more"},
        third="reason",
    ),
    TableHeld(
        table=reply,
        about="a text that came from a number or address",
        purpose=Purpose.CHOICES,
        retention=Retention.RECORD,
        section=Section.FROM_YOU,
        rows=Rows.EMPTY,
        routes=(ByAddress("address"), Through(contact_hold, "id", "reply_id")),
        columns={
            Kind.CONTACT: "address",
            Kind.CONTENT: "text",
            Kind.CHOICE: "keyword",
            Kind.HEALTH: "marks",
            Kind.WORDS: "note",
            Kind.EVENT: "gateway event_id channel happened_at received_at state state_at",
            Kind.STAFF: "owner state_by",
            Kind.KEY: "id",
            Kind.WORK: "patients",
        },
        third="note",
    ),
    TableHeld(
        table=contact_hold,
        about="that a number or patient is sent nothing until staff decide, for what a reply says",
        purpose=Purpose.CHOICES,
        retention=Retention.CHOICES,
        section=Section.DECISIONS,
        rows=Rows.EMPTY,
        routes=(ByKey("patient_id"), ByAddress("address", unless="patient_id")),
        columns={
            Kind.CONTACT: "address",
            Kind.CHOICE: "why",
            Kind.WORDS: "note",
            Kind.EVENT: "channel held_at state decided_at",
            Kind.STAFF: "decided_by",
            Kind.KEY: "id reply_id patient_id",
        },
        kept={"why": "a code: it holds back a number that is now a hash"},
        erased={"address": Erasure.HASH},
        third="note",
    ),
    TableHeld(
        table=receipt_inbox,
        about="what a network said of a message",
        purpose=Purpose.MESSAGING,
        retention=Retention.RECEIPTS,
        section=Section.MESSAGES,
        rows=Rows.EMPTY,
        routes=(Through(message, "reference", "id"),),
        columns={
            Kind.EVENT: "gateway event_id outcome reason happened_at received_at",
            Kind.CONTENT: "error_text",
            Kind.KEY: "id reference",
            Kind.WORK: "state",
        },
    ),
    TableHeld(
        table=receipt_unread,
        about="what a gateway sent and nobody understood",
        purpose=Purpose.MESSAGING,
        retention=Retention.RECEIPTS,
        section=Section.FROM_YOU,
        rows=Rows.DELETE,
        routes=(ByWords("body"),),
        columns={
            Kind.CONTENT: "body",
            Kind.EVENT: "gateway why received_at",
            Kind.KEY: "id",
            Kind.WORK: "digest",
        },
        third="body",
    ),
    TableHeld(
        table=receipt_cursor,
        about="how far a gateway's receipts were pulled",
        purpose=Purpose.RUNNING,
        retention=Retention.INSTALLATION,
        section="nothing of one person",
        rows=Rows.NONE,
        columns={Kind.WORK: "gateway cursor pulled_at"},
    ),
)
