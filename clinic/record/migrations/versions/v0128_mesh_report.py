"""Reports of campaigns that go to a practice's mailbox by MESH."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0128"
down_revision = "0126"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mesh_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("local_id", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("message_id", sa.String(length=60), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("problem", sa.String(length=60), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'acknowledged', 'unknown', 'refused')",
            name=op.f("ck_mesh_report_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_mesh_report_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mesh_report")),
        sa.UniqueConstraint(
            "campaign_id", "number", name=op.f("uq_mesh_report_campaign_id_number")
        ),
        sa.UniqueConstraint("local_id", name=op.f("uq_mesh_report_local_id")),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
