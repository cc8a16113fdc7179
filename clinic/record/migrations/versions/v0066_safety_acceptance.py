"""What a safety check found and a named person accepted."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0066"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "safety_acceptance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("check_code", sa.String(length=40), nullable=False),
        sa.Column("accepted_by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.Column("two_persons", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("second_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_safety_acceptance_campaign_id_campaign")
        ),
        sa.CheckConstraint(
            "second_by IS NULL OR second_by <> accepted_by",
            name=op.f("ck_safety_acceptance_second_is_another"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_acceptance")),
        sa.UniqueConstraint(
            "campaign_id", "check_code", name=op.f("uq_safety_acceptance_campaign_id_check_code")
        ),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
