"""Which batches a record that was set back has lost more of than it knows."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "batch", sa.Column("lost", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
