"""Operations: selections, plans, chunks, exports, proposed visits, and what others edited."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime


def create() -> None:
    """All of them, empty."""
    _selection()
    _selection_row()
    _operation()
    _operation_item()
    _operation_chunk()
    _operation_writing()
    _field_edit()
    _follow_up()
    _visit_plan()
    _export_file()


def _selection() -> None:
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


def _selection_row() -> None:
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


def _operation() -> None:
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


def _operation_item() -> None:
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


def _operation_chunk() -> None:
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
        sa.Column("root", sa.LargeBinary(), nullable=True),
        sa.Column("marks", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'applied')", name=op.f("ck_operation_chunk_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_operation_chunk_operation_id")
        ),
        sa.PrimaryKeyConstraint("operation_id", "number", name=op.f("pk_operation_chunk")),
    )


def _operation_writing() -> None:
    op.create_table(
        "operation_writing",
        sa.Column("operation_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("operation_id", name=op.f("pk_operation_writing")),
    )


def _field_edit() -> None:
    op.create_table(
        "field_edit",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.Column("edited_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_edit")),
    )
    op.create_index("ix_field_edit_patient_id", "field_edit", ["patient_id", "field"], unique=False)


def _follow_up() -> None:
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


def _visit_plan() -> None:
    op.create_table(
        "visit_plan",
        sa.Column("id", BigKey, autoincrement=False, nullable=False),
        sa.Column("operation_id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=True),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", UtcDateTime(), nullable=True),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("looks_back_to", UtcDateTime(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("visit_type", sa.String(length=80), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.Column("reason", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_plan")),
    )
    op.create_index(
        "ix_visit_plan_patient_id", "visit_plan", ["operation_id", "patient_id"], unique=False
    )


def _export_file() -> None:
    op.create_table(
        "export_file",
        sa.Column("operation_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_export_file_operation_id")
        ),
        sa.PrimaryKeyConstraint("operation_id", name=op.f("pk_export_file")),
    )
