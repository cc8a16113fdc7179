"""Campaigns that are recalls, and what a person must do for whoever was not reached."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0080"
down_revision = "0076"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recall",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recall_by", sa.Date(), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("codes", sa.Text(), nullable=True),
        sa.Column("judged_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_recall_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_recall")),
    )
    op.create_table(
        "recall_task",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("news", sa.String(length=20), nullable=True),
        sa.Column("news_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("done_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["recall.campaign_id"], name=op.f("fk_recall_task_campaign_id_recall")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "row_number", name=op.f("pk_recall_task")),
    )
    is_open = sa.text("done_at IS NULL")
    op.create_index(
        "ix_recall_task_open", "recall_task", ["due_on"], unique=False,
        sqlite_where=is_open, postgresql_where=is_open,
    )  # fmt: skip
    op.create_index("ix_reply_address", "reply", ["channel", "address"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
