"""What operations on the record changed of patients on the clinical record outside."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0124"
down_revision = "0122"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outside_push",
        sa.Column("operation_id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pushing', 'pushed', 'done', 'put-back', 'differs')",
            name=op.f("ck_outside_push_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["operation.id"],
            name=op.f("fk_outside_push_operation_id_operation"),
        ),
        sa.PrimaryKeyConstraint("operation_id", "patient_id", name=op.f("pk_outside_push")),
    )
    op.create_index(
        "ix_outside_push_open",
        "outside_push",
        ["operation_id"],
        sqlite_where=sa.text("state <> 'done'"),
        postgresql_where=sa.text("state <> 'done'"),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
