"""Which gateway a message was sent through: a campaign may come to have several."""

import sqlalchemy as sa
from alembic import op

revision = "0137"
down_revision = "0136"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("gateway", sa.String(length=40)))


def downgrade() -> None:
    op.drop_column("message", "gateway")
