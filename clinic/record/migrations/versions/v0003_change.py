"""Operations on the record: selections, plans, chunks, locks, and the journal of others' edits."""

import sqlalchemy as sa
from alembic import op

from clinic.record.edit_log import note_membership, note_updates
from clinic.record.triggers import refuse_delete, refuse_update
from clinic.record.types import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

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
# What was asked for stays as it was asked; what was planned stays as it was planned
REQUEST = (
    "id", "request_key", "kind", "parameters", "selection_id", "undo_of", "rerun_of", "depth",
    "requested_by", "requested_at", "reason",
)  # fmt: skip
PLAN = ("operation_id", "patient_id", "field", "subject_id", "old", "new", "version_before")


def upgrade() -> None:
    op.create_table(
        "field_edit",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.Column("edited_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_edit")),
    )
    op.create_index("ix_field_edit_patient_id", "field_edit", ["patient_id", "field"], unique=False)
    op.create_table(
        "operation_item",
        sa.Column("operation_id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("detail", sa.String(length=40), nullable=True),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.Column("version_before", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "operation_id", "patient_id", "field", "subject_id", name=op.f("pk_operation_item")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_operation_item_patient_id", "operation_item", ["patient_id"], unique=False)
    op.create_table(
        "operation_writing",
        sa.Column("operation_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("operation_id", name=op.f("pk_operation_writing")),
    )
    op.create_table(
        "selection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("criteria", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("selected", sa.Integer(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("taken_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_selection")),
    )
    op.create_table(
        "operation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_key", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("selection_id", sa.Integer(), nullable=False),
        sa.Column("undo_of", sa.Integer(), nullable=True),
        sa.Column("rerun_of", sa.Integer(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.String(length=80), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("approval_id", sa.Integer(), nullable=True),
        sa.Column("selected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("will_change", sa.Integer(), server_default="0", nullable=False),
        sa.Column("planned_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["rerun_of"], ["operation.id"], name=op.f("fk_operation_rerun_of")),
        sa.ForeignKeyConstraint(
            ["selection_id"], ["selection.id"], name=op.f("fk_operation_selection_id")
        ),
        sa.ForeignKeyConstraint(["undo_of"], ["operation.id"], name=op.f("fk_operation_undo_of")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
        sa.UniqueConstraint("request_key", name=op.f("uq_operation_request_key")),
    )
    op.create_index("ix_operation_undo_of", "operation", ["undo_of"], unique=False)
    op.create_table(
        "selection_row",
        sa.Column("selection_id", sa.Integer(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("given", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["selection_id"], ["selection.id"], name=op.f("fk_selection_row_selection_id")
        ),
        sa.PrimaryKeyConstraint("selection_id", "row_number", name=op.f("pk_selection_row")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_selection_row_patient_id", "selection_row", ["selection_id", "patient_id"], unique=False
    )
    op.create_table(
        "follow_up",
        sa.Column("operation_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=40), server_default="", nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("done_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_follow_up_operation_id")
        ),
        sa.PrimaryKeyConstraint("operation_id", "code", "subject", name=op.f("pk_follow_up")),
    )
    op.create_table(
        "operation_chunk",
        sa.Column("operation_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_patient", sa.BigInteger(), nullable=False),
        sa.Column("last_patient", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("applied", sa.Integer(), server_default="0", nullable=False),
        sa.Column("conflicts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("edits_seen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'applied')", name=op.f("ck_operation_chunk_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_operation_chunk_operation_id")
        ),
        sa.PrimaryKeyConstraint("operation_id", "number", name=op.f("pk_operation_chunk")),
    )
    op.create_table(
        "operation_lock",
        sa.Column("patient_id", BIG_KEY, autoincrement=False, nullable=False),
        sa.Column("operation_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_operation_lock")),
    )

    dialect = op.get_bind().dialect.name
    for statement in (
        *note_updates(dialect, "patient", OF_PATIENTS, patient="id", subject="0"),
        *note_updates(dialect, "appointment", OF_VISITS, patient="patient_id", subject="id"),
        *note_membership(dialect, "patient_tag", "tag", patient="patient_id", subject="tag_id"),
        *refuse_delete(dialect, "field_edit"),
        *refuse_update(dialect, "field_edit"),
        *refuse_delete(dialect, "operation"),
        *refuse_update(dialect, "operation", REQUEST),
        *refuse_delete(dialect, "operation_item"),
        *refuse_update(dialect, "operation_item", PLAN),
        *refuse_delete(dialect, "selection_row"),
        *refuse_update(dialect, "selection_row"),
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
