"""Governing: operators, approvals, and the append-only audit trail."""

import sqlalchemy as sa
from alembic import op

from clinic.record.triggers import refuse_delete, refuse_update
from clinic.record.types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What was asked for stays as it was asked; only the answer is written later
REQUEST = (
    "id", "subject", "subject_id", "kind", "digest", "requested_by", "requested_at",
    "expires_at", "summary", "reason",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("requested_by", sa.String(length=80), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("flow_run_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'approved', 'rejected', 'used', 'void', 'expired')",
            name=op.f("ck_approval_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'rejected', 'used') OR decided_by IS NOT NULL",
            name=op.f("ck_approval_decision_has_a_person"),
        ),
        sa.CheckConstraint(
            "lower(decided_by) <> lower(requested_by)", name=op.f("ck_approval_two_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index("ix_approval_subject", "approval", ["subject", "subject_id"], unique=False)
    op.create_index(
        "uq_approval_open",
        "approval",
        ["subject", "subject_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting', 'approved')"),
        postgresql_where=sa.text("state IN ('waiting', 'approved')"),
    )
    op.create_table(
        "audit_block",
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("holds", sa.String(length=5), nullable=False),
        sa.Column("operation_id", sa.BigInteger(), nullable=True),
        sa.Column("chunk", sa.Integer(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_patient", sa.BigInteger(), nullable=True),
        sa.Column("last_patient", sa.BigInteger(), nullable=True),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("sealed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("holds IN ('act', 'items')", name=op.f("ck_audit_block_holds_known")),
        sa.PrimaryKeyConstraint("stream", "number", name=op.f("pk_audit_block")),
        sa.UniqueConstraint("stream", "chunk", name=op.f("uq_audit_block_stream_chunk")),
    )
    op.create_index(
        "ix_audit_block_patients", "audit_block", ["first_patient", "last_patient"], unique=False
    )
    op.create_table(
        "audit_item",
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("old_values", sa.Text(), nullable=True),
        sa.Column("new_values", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("stream", "chunk", "patient_id", name=op.f("pk_audit_item")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "operator",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("wrong_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "role IN ('operator', 'team_lead', 'manager', 'admin')",
            name=op.f("ck_operator_role_known"),
        ),
        sa.CheckConstraint("name = lower(name)", name=op.f("ck_operator_name_lower")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_operator")),
    )
    op.create_table(
        "audit_act",
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.Column("operator", sa.String(length=80), nullable=False),
        sa.Column("approver", sa.String(length=80), nullable=True),
        sa.Column("operation_type", sa.String(length=40), nullable=False),
        sa.Column("patients_affected", sa.Integer(), nullable=False),
        sa.Column("old_values", sa.Text(), nullable=True),
        sa.Column("new_values", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream", "number"],
            ["audit_block.stream", "audit_block.number"],
            name=op.f("fk_audit_act_stream_number"),
        ),
        sa.PrimaryKeyConstraint("stream", "number", name=op.f("pk_audit_act")),
    )
    op.create_index("ix_audit_act_subject", "audit_act", ["subject", "subject_id"], unique=False)
    op.create_index("ix_audit_act_timestamp", "audit_act", ["timestamp"], unique=False)

    dialect = op.get_bind().dialect.name
    for table in ("audit_block", "audit_act", "audit_item"):
        for statement in (*refuse_delete(dialect, table), *refuse_update(dialect, table)):
            op.execute(statement)
    for statement in (
        *refuse_delete(dialect, "approval"),
        *refuse_update(dialect, "approval", REQUEST),
        *refuse_delete(dialect, "operator"),
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
