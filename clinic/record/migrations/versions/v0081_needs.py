"""What patients need, and templates in other languages and formats."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0081"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "patient_need",
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("language", sa.String(length=20), nullable=True),
        sa.Column("interpreter", sa.Boolean(), nullable=True),
        sa.Column("formats", sa.Text(), nullable=True),
        sa.Column("stay", sa.String(length=20), nullable=True),
        sa.Column("proxy_role", sa.String(length=40), nullable=True),
        sa.Column("proxy_name", sa.Text(), nullable=True),
        sa.Column("proxy_mobile", sa.String(length=40), nullable=True),
        sa.Column("proxy_email", sa.String(length=320), nullable=True),
        sa.Column("proxy_consent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_patient_need_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_patient_need")),
    )
    op.create_table(
        "template_variant",
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("format", sa.String(length=20), server_default="", nullable=False),
        sa.Column("variant_id", sa.Integer(), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"], ["template.id"], name=op.f("fk_template_variant_template_id_template")
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["template.id"], name=op.f("fk_template_variant_variant_id_template")
        ),
        sa.PrimaryKeyConstraint(
            "template_id", "language", "format", name=op.f("pk_template_variant")
        ),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
