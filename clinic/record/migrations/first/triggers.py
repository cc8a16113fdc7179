"""What keeps what must not change, and notes who else changed what operations change."""

from alembic import op

from clinic.record.edit_log import note_membership, note_updates
from clinic.record.migrations.triggers import (
    refuse_delete,
    refuse_outcome_of_sealed,
    refuse_update,
    refuse_version_of_sealed,
)

# No row of these is deleted; of their columns those named here keep their first value, all where none is named.
# Of a clinical item what was said stays, and only its status follows the receipts (COM-9, COM-10); of an
# approval or operation what was asked for, and only the answer is written later; of a plan what was planned
KEPT: dict[str, tuple[str, ...]] = {
    "clinical_item": (
        "id", "patient_id", "campaign_id", "channel", "address", "subject", "text", "snomed_codes", "sent_at",
    ),
    "audit_block": (),
    "audit_act": (),
    "approval": (
        "id", "subject", "subject_id", "kind", "digest", "requested_by", "requested_at", "expires_at",
        "summary", "reason",
    ),
    "field_edit": (),
    "operation": (
        "id", "request_key", "kind", "parameters", "selection_id", "undo_of", "rerun_of", "depth",
        "requested_by", "requested_at", "reason",
    ),
    "operation_item": ("operation_id", "patient_id", "field", "subject_id", "old", "new"),
    "selection_row": (),
    "export_file": (),
    "visit_plan": (),
    "audit_row_seal": (),
}  # fmt: skip
# What operations change, by its name in operation_item.field (clinic/change/fields.py)
OF_PATIENTS = {
    "status": "status",
    "facility": "facility_id",
    "provider": "provider_id",
    "insurance_plan": "insurance_plan",
    "postcode": "postcode",
    "email": "email",
    "mobile": "mobile",
    "address": "address",
    "title": "title",
    "sex": "sex",
    "preferred_channel": "preferred_channel",
}
OF_VISITS = {
    "visit_provider": "provider_id",
    "visit_facility": "facility_id",
    "visit_status": "status",
}


def create() -> None:
    """All of them, on tables that are there."""
    dialect = op.get_bind().dialect.name
    for table, columns in KEPT.items():
        _do(refuse_delete(dialect, table))
        _do(refuse_update(dialect, table, columns))
    _do(refuse_delete(dialect, "operator"))
    _do(refuse_outcome_of_sealed(dialect))
    _do(refuse_version_of_sealed(dialect))
    _do(note_updates(dialect, "patient", OF_PATIENTS, patient="id", subject="0"))
    _do(note_updates(dialect, "appointment", OF_VISITS, patient="patient_id", subject="id"))
    _do(note_membership(dialect, "patient_tag", "tag", patient="patient_id", subject="tag_id"))


def _do(statements: list[str]) -> None:
    for statement in statements:
        op.execute(statement)
