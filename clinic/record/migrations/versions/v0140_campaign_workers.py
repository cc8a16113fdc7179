"""How many runs send a campaign together."""

import sqlalchemy as sa
from alembic import op

revision = "0140"
down_revision = "0139"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("workers", sa.Integer, nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("campaign", "workers")
