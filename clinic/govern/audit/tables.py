"""
Which tables the trail seals row by row, how, and why others are not sealed.

`Row`: a mark a row, renewed whenever the row is written. `Whole`: one mark for all rows of an owner, made
when they are complete. A table of the record that is in none of the three lists fails a test: whoever adds
one decides. No patient's value is kept in a mark that the value could be read back from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.record.schema.change import operation, operation_item, selection, selection_row
from clinic.record.schema.govern import (
    approval,
    clinician,
    destruction,
    legal_hold,
    operator,
    operator_facilities,
    operator_mfa,
    redaction,
    restriction,
)
from clinic.record.schema.lists import (
    cohort_list,
    questionnaire_version,
    template,
    template_audience,
    template_exception,
    template_purpose,
    template_version,
)
from clinic.record.schema.messages import campaign, gate_override, message, recipient
from clinic.record.schema.safety import safety_acceptance, stale_acceptance
from clinic.record.schema.settings import governed_setting

Key = int | str
_PREVIEWED: Final = "previewed text"  # clinic/message/template/catalogue.py
_WILL_CHANGE: Final = (
    "will_change"  # of clinic/change/core/outcomes.py: those are sealed with their values
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    A table whose rows are sealed each for itself.

    key: its primary key
    fixed, moving: columns that keep their first value, and that are written again with a new mark
    subject, of: in whose chain its marks are, and the column that says which; None: the system's
    passing: rows that are deleted after a look, or are not whole yet, and have no mark
    born: the act that seals a new row: what has a higher number than the first of them, and no mark, was put in
    """

    table: sa.Table
    key: str
    fixed: tuple[str, ...]
    moving: tuple[str, ...] = ()
    subject: str | None = None
    of: str | None = None
    passing: ColumnElement[bool] | None = None
    born: str | None = None


@dataclass(frozen=True, kw_only=True)
class Whole:
    """All rows of an owner together: `names` of those that `only` finds, in the order of `by`."""

    table: sa.Table
    owned_by: str
    names: tuple[str, ...]
    by: tuple[str, ...]
    only: tuple[ColumnElement[bool], ...] = ()

    @property
    def owner(self) -> sa.Column[Any]:
        """The column that names the owner."""
        column: sa.Column[Any] = self.table.c[self.owned_by]
        return column

    def columns(self) -> list[sa.Column[Any]]:
        """What is sealed of each row."""
        return [self.table.c[name] for name in self.names]

    def order(self, connection: Connection) -> list[ColumnElement[Any]]:
        """By bytes: how a language sorts may change with the server's."""
        is_text = connection.dialect.name == "postgresql"
        columns = [self.table.c[name] for name in self.by]
        return [
            sa.collate(c, "C") if is_text and isinstance(c.type, sa.String) else c for c in columns
        ]


_SPECS: Final[tuple[Row | Whole, ...]] = (
    Row(
        table=operator,
        key="name",
        fixed=("created_at", "created_by"),
        moving=("role", "secret_hash", "active"),
    ),
    Row(
        table=clinician,
        key="operator",
        fixed=("operator", "added_at", "added_by"),
        moving=("registration", "active"),
    ),
    Row(
        table=operator_facilities,
        key="operator",
        fixed=("operator",),
        moving=("codes", "set_at", "set_by"),
    ),
    Row(
        table=operator_mfa,
        key="operator",
        fixed=("operator",),
        moving=("nonce", "active", "set_at", "set_by"),
    ),
    Row(
        table=approval,
        key="id",
        fixed=(
            "subject", "subject_id", "kind", "digest", "requested_by", "requested_at", "summary",
            "reason",
        ),
        moving=("expires_at", "state", "decided_by", "decided_at", "note", "used_at"),
        born="approval.requested",
    ),
    Row(
        table=governed_setting,
        key="name",
        fixed=("name",),
        moving=("value", "set_at", "set_by", "approved_by", "approval_id"),
    ),
    Row(
        table=campaign,
        key="id",
        fixed=(
            "request_key", "list_id", "template_version_id", "list_name", "channel", "purpose",
            "gateway", "dry_run", "save_to_record", "save_when", "snomed_codes", "resend_of",
            "requested_by", "created_at", "message_base",
        ),
        moving=("manifest_sha256",),
        subject="campaign",
        of="id",
        passing=campaign.c.request_key.startswith("preview-") & campaign.c.dry_run,
        born="campaign.requested",
    ),
    Row(
        table=cohort_list,
        key="id",
        fixed=(
            "request_key", "name", "source", "layout", "file_name", "sha256", "size", "encoding",
            "columns", "fields", "criteria", "rows", "date_order", "remarks", "taken_at", "taken_by",
        ),
        passing=cohort_list.c.request_key.startswith("preview-") | cohort_list.c.rows.is_(None),
        born="list.taken",
    ),
    Row(
        table=template,
        key="id",
        fixed=("key", "name", "message_type", "purpose", "locked"),
        passing=template.c.message_type == _PREVIEWED,
        born="template.added",
    ),
    Row(
        table=template_version,
        key="id",
        fixed=(
            "template_id", "version", "subject", "body", "variables", "sha256", "created_at",
            "created_by",
        ),
        passing=template_version.c.template_id.in_(
            sa.select(template.c.id).where(template.c.message_type == _PREVIEWED)
        ),
        born="template.added",
    ),
    Row(
        table=template_audience,
        key="template_version_id",
        fixed=("template_version_id", "classes", "bounds"),
        born="template.added",
    ),
    Row(
        table=template_purpose,
        key="template_version_id",
        fixed=("template_version_id", "purpose", "mapped_from"),
        passing=template_purpose.c.template_version_id.in_(
            sa.select(template_version.c.id)
            .join(template, template.c.id == template_version.c.template_id)
            .where(template.c.message_type == _PREVIEWED)
        ),
        born="template.added",
    ),
    Row(
        table=questionnaire_version,
        key="id",
        fixed=("key", "version", "title", "resource", "sha256", "created_at", "created_by"),
        moving=("retired_at", "retired_by"),
        born="questionnaire.added",
    ),
    Row(
        table=template_exception,
        key="id",
        fixed=("template_id", "patient_id", "lifts", "reason", "set_by", "set_at"),
        moving=("ended_at", "ended_by"),
        born="template.exception",
    ),
    Row(
        table=gate_override,
        key="campaign_id",
        fixed=("overridden_by", "reason", "given_at"),
        moving=("applied_at",),
        subject="campaign",
        of="campaign_id",
        passing=gate_override.c.applied_at.is_(None),
    ),
    Row(
        table=safety_acceptance,
        key="id",
        fixed=("campaign_id", "check_code", "accepted_by", "reason", "accepted_at"),
        moving=("applied_at", "two_persons", "second_by"),
        subject="campaign",
        of="campaign_id",
        passing=safety_acceptance.c.applied_at.is_(None),
    ),
    Row(
        table=stale_acceptance,
        key="id",
        fixed=("campaign_id", "accepted_by", "reason", "accepted_at", "until"),
        subject="campaign",
        of="campaign_id",
        born="stale.accepted",
    ),
    Row(
        table=message,
        key="id",
        fixed=(
            "campaign_id", "batch_id", "patient_id", "row_number", "channel", "address", "subject",
            "body", "segments",
        ),
        moving=("state", "reason", "error_text", "evidence", "gateway_ref", "sent_at", "status_at"),
        subject="campaign",
        of="campaign_id",
    ),
    Whole(
        table=recipient,
        owned_by="campaign_id",
        names=("row_number", "patient_id", "outcome"),
        by=("row_number",),
    ),
    Row(
        table=operation,
        key="id",
        fixed=(
            "request_key", "kind", "parameters", "selection_id", "undo_of", "rerun_of", "depth",
            "requested_by", "requested_at", "reason",
        ),
        subject="operation",
        of="id",
        born="operation.requested",
    ),
    Whole(
        table=operation_item,
        owned_by="operation_id",
        names=("patient_id", "field", "subject_id", "outcome", "detail"),
        by=("patient_id", "field", "subject_id"),
        only=(operation_item.c.outcome != _WILL_CHANGE,),
    ),
    Row(
        table=selection,
        key="id",
        fixed=("source", "criteria", "sha256", "rows", "selected", "taken_at", "taken_by"),
        born="selection.taken",
    ),
    Row(
        table=legal_hold,
        key="id",
        fixed=("subject", "subject_id", "reason", "placed_by", "placed_at"),
        moving=("lifted_by", "lifted_at"),
        born="hold.placed",
    ),
    Row(
        table=destruction,
        key="id",
        fixed=("what", "subject", "subject_id", "count", "sha256", "authority", "gone_at"),
        born="retention.destroyed",
    ),
    Row(
        table=redaction,
        key="id",
        fixed=(
            "kind", "patient_id", "operation_id", "who", "ground", "approval_id", "asked_by",
            "approved_by", "said", "begun_at",
        ),
        moving=("counts", "ended_at"),
        born="redaction.begun",
    ),
    Row(
        table=restriction,
        key="id",
        fixed=("patient_id", "ground", "asked_by", "approved_by", "set_at"),
        moving=("lifted_at", "lifted_by", "lift_approved_by", "lift_ground"),
        born="restriction.set",
    ),
    Whole(
        table=selection_row,
        owned_by="selection_id",
        names=("row_number", "patient_id", "outcome"),
        by=("row_number",),
    ),
)  # fmt: skip
SEALED: Final[Mapping[str, Row | Whole]] = MappingProxyType({s.table.name: s for s in _SPECS})

# Compared with what is sealed, so that they need no seal of their own
DERIVED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "clinical_item": "each is compared with its message, which is sealed",
        "audit_block": "the chain itself",
        "audit_act": "sealed by its block",
        "audit_row_seal": "sealed by the block of its act",
        "operation_chunk": "the ranges of the blocks; an edited one makes their rows differ",
    }
)

_RECORD: Final = "the patients' record, which imports and staff change too"
_AT_WORK: Final = "says how far the work is; what came of it is sealed"
_OTHERS: Final = "what others told us; what came of it is sealed with the message"
NOT_SEALED: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "patient", "appointment", "consent", "appointment_source",
                "facility", "provider", "patient_group",
                "group_member", "tag", "patient_tag", "diagnosis", "medication", "allergy",
                "address_decision", "safe_contact", "patient_need",
            ),
            _RECORD,
        ),
        **dict.fromkeys(
            (
                "batch", "submission", "pace_lane", "gateway_standing", "fallback_person",
                "operation_writing", "visit_plan",
                "reminder", "follow_up", "installation", "outbox", "outbox_submission",
                "receipt_cursor", "message_part", "field_edit", "recall", "recall_task", "coverage_asked",
                "shared_decision", "told_visit",
                "outside_item", "outside_batch", "outside_patient", "outside_side",
                "outside_push", "mesh_report",
                "import_run", "import_added", "import_change", "patient_digest", "patient_link",
            ),
            _AT_WORK,
        ),
        **dict.fromkeys(("receipt_inbox", "receipt_unread", "reply"), _OTHERS),
        "contact_hold": "what a reply holds back; who decided it is an act",
        "template_variant": "which template stands in for which: each is sealed, and the act that says so",
        "list_row": "an upload as it came, taken out when a patient asks for it; the list's digest is sealed",
        "check_result": "what the gate found; who was left out is sealed",
        "content_finding": "words found in the messages, which are sealed; so is who accepted it",
        "access_log": "a row a look, which triggers keep: an act for each would double what a look costs",
        "access_patient": "as access_log",
        "operator_use": "when each was last here; signing in is an act",
        "sign_in": "its mark is keyed: a row that the program did not write proves nobody",
        "operator_identity": "its mark is keyed, as that of sign_in; linking is an act",
        "desk_session": "as sign_in; signing in and out are acts",
        "draft": "what somebody has not sent yet; the campaign made of it is sealed, and sending it is an act",
        "link_use": "what patients do at the door, which has no key; unlocking and revoking are acts",
        "attachment": "its SHA-256 is its key, and is in the manifest of each campaign that leads to it",
        "export_file": "its name and SHA-256 are in the export's act",
        "sync_run": "counts of imports; that each was run, and what was accepted, is on the trail",
        "health_finding": "what `cohort health` found at its last look: looked for again at each",
    }
)  # fmt: skip
