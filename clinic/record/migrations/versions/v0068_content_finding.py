"""What the content gate found in a campaign's messages."""

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "content_finding",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("check_code", sa.String(length=40), nullable=False),
        sa.Column("phrase", sa.String(length=80), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("first_rows", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_content_finding_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint(
            "campaign_id", "check_code", "phrase", name=op.f("pk_content_finding")
        ),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
