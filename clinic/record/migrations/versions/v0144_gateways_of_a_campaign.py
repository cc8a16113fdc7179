"""Every gateway that a campaign may leave by, and which of them take nothing."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0144"
down_revision = "0143"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("gateways", sa.String(length=200)))
    op.add_column("campaign", sa.Column("gateway_shares", sa.String(length=100)))
    op.create_table(
        "gateway_standing",
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("place_sha256", sa.String(length=64)),
        sa.Column("failing_since", UtcDateTime(), nullable=False),
        sa.Column("failed_at", UtcDateTime(), nullable=False),
        sa.Column("out_at", UtcDateTime(), nullable=False),
        sa.Column("again_at", UtcDateTime()),
        sa.Column("code", sa.String(length=40)),
        sa.Column("trouble", sa.String(length=200)),
        sa.PrimaryKeyConstraint("gateway", "channel", name=op.f("pk_gateway_standing")),
    )


def downgrade() -> None:
    op.drop_table("gateway_standing")
    op.drop_column("campaign", "gateway_shares")
    op.drop_column("campaign", "gateways")
