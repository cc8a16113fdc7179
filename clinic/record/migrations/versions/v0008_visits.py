"""Visits that operations propose, and which visit was booked from which proposal."""

import sqlalchemy as sa
from alembic import op

from clinic.record.triggers import refuse_delete, refuse_update
from clinic.record.types import BigKey, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    op.add_column("appointment", sa.Column("visit_plan_id", sa.BigInteger(), nullable=True))
    op.create_index("uq_appointment_visit_plan_id", "appointment", ["visit_plan_id"], unique=True)
    dialect = op.get_bind().dialect.name
    for statement in (
        *refuse_delete(dialect, "visit_plan"),
        *refuse_update(dialect, "visit_plan"),
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
