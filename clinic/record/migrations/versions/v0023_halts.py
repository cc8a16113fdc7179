"""When a campaign halted itself and whether that was told; what the gateway said of a batch that waits."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0023"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("halted_at", UtcDateTime, nullable=True))
    op.add_column("campaign", sa.Column("halt_told_at", UtcDateTime, nullable=True))
    op.add_column("batch", sa.Column("trouble", sa.String(200), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
