"""What patients open by a link: documents, links, and every use of one."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime

revision = "0152"
down_revision = "0153"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("attachment_sha256", sa.String(length=64)))
    op.create_table(
        "attachment",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("taken_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_attachment")),
    )
    op.create_table(
        "patient_link",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("wait_until", UtcDateTime()),
        sa.Column("locked_at", UtcDateTime()),
        sa.Column("revoked_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_patient_link")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_patient_link_campaign_id")
        ),
        sa.UniqueConstraint(
            "message_id", "purpose", name=op.f("uq_patient_link_message_id_purpose")
        ),
    )
    op.create_index("ix_patient_link_campaign_id", "patient_link", ["campaign_id"])
    op.create_table(
        "link_use",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_use")),
        sa.ForeignKeyConstraint(
            ["digest"], ["patient_link.digest"], name=op.f("fk_link_use_digest")
        ),
    )
    op.create_index("ix_link_use_digest", "link_use", ["digest"])


def downgrade() -> None:
    op.drop_table("link_use")
    op.drop_table("patient_link")
    op.drop_table("attachment")
    op.drop_column("campaign", "attachment_sha256")
