"""Who let reminders leave on old sources and until when; what of a source was asked for since when."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0136"
down_revision = "0134"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stale_acceptance",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("campaign_id", sa.Integer, nullable=False),
        sa.Column("accepted_by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("accepted_at", UtcDateTime, nullable=False),
        sa.Column("until", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_stale_acceptance_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stale_acceptance")),
    )
    op.create_index("ix_stale_acceptance_campaign_id", "stale_acceptance", ["campaign_id"])
    op.add_column("sync_run", sa.Column("whole", sa.Boolean))
    op.add_column("sync_run", sa.Column("asked", sa.String(length=64)))
    op.add_column("sync_run", sa.Column("since", UtcDateTime))
    op.add_column("sync_run", sa.Column("pending", sa.Integer))
    op.add_column("sync_run", sa.Column("patients_to", sa.BigInteger))


def downgrade() -> None:
    for column in ("patients_to", "pending", "since", "asked", "whole"):
        op.drop_column("sync_run", column)
    op.drop_table("stale_acceptance")
