"""Campaigns, their messages, what a gateway took (clinic/record/schema/messages.py, outbox.py, recall.py)."""

from __future__ import annotations

from typing import Final

from clinic.personal_data.held import TableHeld
from clinic.personal_data.kinds import Erasure, Kind, Purpose, Retention, Rows, Section
from clinic.personal_data.reach import ByAddress, ByKey, Through
from clinic.record.schema.campaigns import (
    draft,
    fallback_person,
    gateway_standing,
    pace_lane,
)
from clinic.record.schema.messages import (
    batch,
    campaign,
    check_result,
    gate_override,
    message,
    recipient,
    submission,
)
from clinic.record.schema.outbox import outbox, outbox_submission
from clinic.record.schema.people import appointment
from clinic.record.schema.recall import coverage_asked, recall, recall_task
from clinic.record.schema.receipts import reminder, told_visit
from clinic.record.schema.safety import content_finding, safety_acceptance, stale_acceptance

_MANY: Final = "of a campaign as a whole: nothing of one person"

MESSAGES: Final = (
    TableHeld(
        table=draft,
        about="a bulk message that somebody composes at the desk: list's name, text, when; no patient",
        purpose=Purpose.MESSAGING,
        retention=Retention.INSTALLATION,
        section=_MANY,
        rows=Rows.NONE,
        columns={
            Kind.PRACTICE: "asked file",
            Kind.STAFF: "owner",
            Kind.SECRET: "mark",
            Kind.KEY: "id request_key list_id campaign_id",
            Kind.WORK: "state rows problem says tries began_at changed_at",
        },
    ),
    TableHeld(
        table=campaign,
        about="a campaign: what was sent, by whom, to which list",
        purpose=Purpose.MESSAGING,
        retention=Retention.TRAIL,
        section=Section.SOURCES,
        rows=Rows.KEEP,
        routes=(Through(recipient, "id", "campaign_id"), Through(message, "id", "campaign_id")),
        columns={
            Kind.PRACTICE: "list_name channel purpose gateway gateways gateway_shares dry_run save_to_record"
            " snomed_codes fallback fallback_after fallback_gateways",
            Kind.EVENT: "created_at released_at finished_at",
            Kind.STAFF: "requested_by",
            Kind.WORDS: "state_reason",
            Kind.KEY: "id message_base request_key list_id template_version_id resend_of"
            " fallback_version_id attachment_sha256",
            Kind.WORK: "fallback_epoch save_when state send_guard batch_size rows checked_rows staged_rows"
            " rewritten row_version start_at latest_start stagger_days resumed_at"
            " pace_second pace_hour pace_day manifest_sha256 canary_size canary_until"
            " canary_passed halted_at halt_told_at doubt_since doubt_until doubt_said workers",
        },
        third="state_reason",
    ),
    TableHeld(
        table=recipient,
        about="a row of a campaign's list, and what was decided of it before sending",
        purpose=Purpose.MESSAGING,
        retention=Retention.LEDGER,
        section=Section.MESSAGES,
        rows=Rows.EMPTY,
        routes=(ByKey("patient_id"), ByAddress("address", unless="patient_id")),
        also=(ByAddress("address"),),
        columns={
            Kind.CONTACT: "address",
            Kind.EVENT: "outcome detail evidence keep_day campaign_id",
            Kind.KEY: "row_number patient_id record_version",
        },
        erased={"patient_id": Erasure.UNNAME},
    ),
    TableHeld(
        table=fallback_person,
        about="that a patient may be messaged by another channel, if the first does not reach them",
        purpose=Purpose.MESSAGING,
        retention=Retention.LEDGER,
        section=Section.MESSAGES,
        rows=Rows.KEEP,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.EVENT: "campaign_id why outcome segments",
            Kind.KEY: "patient_id row_number taken_by",
        },
        erased={"patient_id": Erasure.UNNAME},
    ),
    TableHeld(
        table=message,
        about="a message as it was given to the gateway, and what became of it",
        purpose=Purpose.MESSAGING,
        retention=Retention.LEDGER,
        section=Section.MESSAGES,
        rows=Rows.EMPTY,
        routes=(ByKey("patient_id"),),
        also=(ByAddress("address"),),
        columns={
            Kind.CONTACT: "address",
            Kind.CONTENT: "subject body error_text",
            Kind.EVENT: "channel segments state reason evidence gateway_ref gateway sent_at status_at sensitive"
            " greeting campaign_id",
            Kind.KEY: "id batch_id patient_id row_number told_by",
            Kind.WORK: "attempts",
        },
        erased={"patient_id": Erasure.UNNAME},
    ),
    TableHeld(
        table=batch,
        about="at most 1,000 messages that are sent together",
        purpose=Purpose.RUNNING,
        retention=Retention.LEDGER,
        section=_MANY,
        rows=Rows.NONE,
        columns={
            Kind.WORK: "id campaign_id number state owner fence lease_until not_before attempts deaths size"
            " accepted rejected unknown suppressed saved trouble lost",
            Kind.EVENT: "settled",
        },
    ),
    TableHeld(
        table=submission,
        about="an attempt at a batch: the keys of its messages, and a digest",
        purpose=Purpose.RUNNING,
        retention=Retention.LEDGER,
        section=_MANY,
        rows=Rows.NONE,
        columns={
            Kind.KEY: "members open_members",
            Kind.WORK: "id batch_id attempt gateway gateway_class fence owner state per_request payload_sha256"
            " tries created_at window_until closed_at place_sha256",
        },
    ),
    TableHeld(
        table=gate_override,
        about="who answers for a list that the checks would have stopped, and why",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=_MANY,
        rows=Rows.NONE,
        columns={
            Kind.KEY: "campaign_id",
            Kind.STAFF: "overridden_by",
            Kind.WORDS: "reason",
            Kind.EVENT: "given_at applied_at",
        },
    ),
    TableHeld(
        table=check_result,
        about="what the checks said of a list as a whole: counts and shares",
        purpose=Purpose.MESSAGING,
        retention=Retention.TRAIL,
        section=_MANY,
        rows=Rows.NONE,
        columns={Kind.WORK: "campaign_id suite verdict checks checked_at"},
    ),
    TableHeld(
        table=safety_acceptance,
        about="who accepted what a safety check found in a campaign, and why",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=_MANY,
        rows=Rows.NONE,
        columns={
            Kind.KEY: "id campaign_id",
            Kind.PRACTICE: "check_code",
            Kind.STAFF: "accepted_by second_by",
            Kind.WORDS: "reason",
            Kind.EVENT: "accepted_at applied_at two_persons",
        },
    ),
    TableHeld(
        table=stale_acceptance,
        about="who let reminders of a campaign leave on old sources, why, and until when",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=_MANY,
        rows=Rows.NONE,
        columns={
            Kind.KEY: "id campaign_id",
            Kind.STAFF: "accepted_by",
            Kind.WORDS: "reason",
            Kind.EVENT: "accepted_at until",
        },
    ),
    TableHeld(
        table=content_finding,
        about="words of the word list found in a campaign's messages, and in the first rows",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=_MANY,
        rows=Rows.NONE,
        columns={Kind.WORK: "campaign_id check_code phrase messages first_rows"},
    ),
    TableHeld(
        table=outbox_submission,
        about="a submission to the outbox of the record, where nothing is sent",
        purpose=Purpose.RUNNING,
        retention=Retention.OUTBOX,
        section=_MANY,
        rows=Rows.NONE,
        columns={Kind.WORK: "id key channel taken_at"},
    ),
    TableHeld(
        table=outbox,
        about="that a message came to the outbox, and a mark of its text, which the message has",
        purpose=Purpose.MESSAGING,
        retention=Retention.OUTBOX,
        section=Section.MESSAGES,
        rows=Rows.DELETE,
        routes=(Through(message, "reference", "id"),),
        columns={
            Kind.KEY: "submission_id reference mark",
        },
        hidden={"mark": "a keyed digest: it says nothing without the text itself"},
    ),
    TableHeld(
        table=reminder,
        about="which appointment a row of a reminder list speaks of",
        purpose=Purpose.MESSAGING,
        retention=Retention.LEDGER,
        section=Section.MESSAGES,
        rows=Rows.EMPTY,
        routes=(
            Through(message, "message_id", "id"),
            Through(appointment, "appointment_id", "id"),
        ),
        columns={
            Kind.CARE: "starts_at place facility_id provider_id",
            Kind.KEY: "list_id row_number appointment_id message_id",
        },
        kept={"starts_at": "a time without whom: so that no reminder is given twice"},
    ),
    TableHeld(
        table=told_visit,
        about="the appointment that a message tells of, as it was then",
        purpose=Purpose.MESSAGING,
        retention=Retention.LEDGER,
        section=Section.MESSAGES,
        rows=Rows.DELETE,
        routes=(
            Through(message, "message_id", "id"),
            Through(appointment, "appointment_id", "id"),
        ),
        columns={
            Kind.CARE: "starts_at place facility_id provider_id",
            Kind.KEY: "message_id appointment_id",
        },
    ),
    TableHeld(
        table=recall,
        about="that a campaign is a recall, by when it should be answered, and who looks after it",
        purpose=Purpose.CARE,
        retention=Retention.TRAIL,
        section=Section.SOURCES,
        rows=Rows.KEEP,
        routes=(Through(recipient, "campaign_id", "campaign_id"),),
        columns={
            Kind.PRACTICE: "recall_by codes",
            Kind.STAFF: "owner",
            Kind.WORK: "judged_at",
            Kind.KEY: "campaign_id",
        },
    ),
    TableHeld(
        table=recall_task,
        about="that a recall did not reach a patient, and what was done about it",
        purpose=Purpose.CARE,
        retention=Retention.LEDGER,
        section=Section.DECISIONS,
        rows=Rows.KEEP,
        routes=(
            ByKey("patient_id"),
            Through(recipient, "campaign_id row_number", "campaign_id row_number"),
        ),
        columns={
            Kind.EVENT: "code due_on made_at news news_at done_at",
            Kind.STAFF: "owner done_by",
            Kind.KEY: "campaign_id row_number patient_id",
        },
        erased={"patient_id": Erasure.UNNAME},
    ),
    TableHeld(
        table=coverage_asked,
        about="who is eligible and not on a campaign's list: counts, and our keys of the first of them",
        purpose=Purpose.CARE,
        retention=Retention.TRAIL,
        section=_MANY,
        rows=Rows.NONE,
        columns={Kind.KEY: "campaign_id first", Kind.WORK: "covers eligible missing"},
    ),
    TableHeld(
        table=pace_lane,
        about="how many messages were taken lately",
        purpose=Purpose.RUNNING,
        retention=Retention.INSTALLATION,
        section=_MANY,
        rows=Rows.NONE,
        columns={Kind.WORK: "lane taken"},
    ),
    TableHeld(
        table=gateway_standing,
        about="a gateway that takes nothing, since when and why",
        purpose=Purpose.RUNNING,
        retention=Retention.INSTALLATION,
        section=_MANY,
        rows=Rows.NONE,
        columns={
            Kind.WORK: "gateway channel place_sha256 failing_since failed_at out_at again_at code trouble"
        },
    ),
)
