"""Who was erased or restricted, lists without their rows, and the one change that triggers let through."""

import sqlalchemy as sa
from alembic import op

from clinic.record.migrations.erasable import KEPT, guard_redaction, keep_values
from clinic.record.migrations.first.triggers import KEPT as FIRST
from clinic.record.migrations.triggers import drop_trigger, refuse_delete
from clinic.record.types import UtcDateTime

revision = "0112"
down_revision = "0110"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "redaction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("operation_id", sa.Integer(), nullable=True),
        sa.Column("who", sa.String(length=64), nullable=True),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Integer(), nullable=True),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=False),
        sa.Column("said", sa.Text(), nullable=True),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redaction")),
    )
    op.create_table(
        "restriction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.Column("lifted_by", sa.String(length=80), nullable=True),
        sa.Column("lift_approved_by", sa.String(length=80), nullable=True),
        sa.Column("lift_ground", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_restriction_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restriction")),
    )
    op.create_index(
        "uq_restriction_in_force",
        "restriction",
        ["patient_id"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.add_column("cohort_list", sa.Column("emptied_at", UtcDateTime(), nullable=True))
    op.add_column("cohort_list", sa.Column("emptied_by", sa.String(length=80), nullable=True))
    op.add_column("cohort_list", sa.Column("emptied_why", sa.Text(), nullable=True))
    dialect = op.get_bind().dialect.name
    for table, kept in KEPT.items():
        name = f"refuse_update_{table}"
        op.execute(drop_trigger(dialect, name, table))
        if dialect == "postgresql" and not FIRST[table]:
            op.execute(
                drop_trigger(dialect, f"{name}_truncate", table)
            )  # refuse_delete has its own
        for statement in keep_values(dialect, table, kept):
            op.execute(statement)
    for statement in (
        *refuse_delete(dialect, "redaction"),
        *refuse_delete(dialect, "restriction"),
        *guard_redaction(dialect),
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
