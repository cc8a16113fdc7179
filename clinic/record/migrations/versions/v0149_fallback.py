"""By which other channel whoever a campaign cannot reach is messaged, and who was taken."""

import sqlalchemy as sa
from alembic import op

revision = "0149"
down_revision = "0151"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("fallback", sa.String(length=10)))
    op.add_column("campaign", sa.Column("fallback_after", sa.Integer()))
    op.add_column("campaign", sa.Column("fallback_version_id", sa.Integer()))
    op.add_column("campaign", sa.Column("fallback_gateways", sa.String(length=200)))
    op.add_column("campaign", sa.Column("fallback_epoch", sa.Integer()))
    op.create_table(
        "fallback_person",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=30), nullable=False),
        sa.Column("segments", sa.SmallInteger(), nullable=False, server_default="1"),
        sa.Column("taken_by", sa.Integer()),
        sa.PrimaryKeyConstraint("campaign_id", "patient_id", name=op.f("pk_fallback_person")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_fallback_person_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["taken_by"], ["campaign.id"], name=op.f("fk_fallback_person_taken_by")
        ),
    )
    op.create_index("ix_fallback_person_row", "fallback_person", ["campaign_id", "row_number"])


def downgrade() -> None:
    op.drop_table("fallback_person")
    for name in ("_epoch", "_gateways", "_version_id", "_after", ""):
        op.drop_column("campaign", f"fallback{name}")
