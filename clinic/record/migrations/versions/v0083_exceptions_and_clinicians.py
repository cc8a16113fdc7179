"""What staff decided for one patient and one template, both ways; and who is a registered clinician."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0083"
down_revision = "0074"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _template_exception()
    _clinician()


def _template_exception() -> None:
    op.create_table(
        "template_exception",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column(
            "patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("lifts", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["template_id"], ["template.id"], name=op.f("fk_template_exception_template_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_template_exception_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_exception")),
    )
    holds = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_template_exception_holds",
        "template_exception",
        ["template_id", "patient_id"],
        unique=True,
        sqlite_where=holds,
        postgresql_where=holds,
    )


def _clinician() -> None:
    op.create_table(
        "clinician",
        sa.Column("operator", sa.String(length=80), nullable=False),
        sa.Column("registration", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("added_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator"], ["operator.name"], name=op.f("fk_clinician_operator")
        ),
        sa.PrimaryKeyConstraint("operator", name=op.f("pk_clinician")),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
