"""A record says itself that nothing may be sent from it, and which database cluster it was last known on."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0031"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("installation", sa.Column("stopped_code", sa.String(length=40), nullable=True))
    op.add_column("installation", sa.Column("stopped_by", sa.String(length=80), nullable=True))
    op.add_column("installation", sa.Column("stopped_at", UtcDateTime(), nullable=True))
    op.add_column("installation", sa.Column("cluster", sa.String(length=60), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
