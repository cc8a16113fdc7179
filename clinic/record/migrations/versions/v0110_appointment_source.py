"""By what id another system knows an appointment, so that it is found again when it is moved or cancelled."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey

revision = "0110"
down_revision = "0102"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "appointment_source",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("appointment_id", BigKey, nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
            name=op.f("fk_appointment_source_appointment_id_appointment"),
        ),
        sa.PrimaryKeyConstraint(
            "source", "key", "appointment_id", name=op.f("pk_appointment_source")
        ),
    )
    op.create_index(
        "uq_appointment_source_appointment_id",
        "appointment_source",
        ["appointment_id", "source"],
        unique=True,
    )


def downgrade() -> None:
    op.drop_table("appointment_source")
