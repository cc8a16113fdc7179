"""How a patient may be contacted without putting them at risk; and the visits that campaigns' texts tell of."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime

revision = "0078"
down_revision = "0083"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "safe_contact",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("patient_id", BigKey, nullable=False),
        sa.Column("sms", sa.Boolean(), nullable=False),
        sa.Column("email", sa.Boolean(), nullable=False),
        sa.Column("voice", sa.Boolean(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_safe_contact_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safe_contact")),
    )
    op.create_index("ix_safe_contact_patient_id", "safe_contact", ["patient_id"])
    op.create_index(
        "uq_safe_contact_in_force",
        "safe_contact",
        ["patient_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "told_visit",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("provider_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_told_visit")),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
