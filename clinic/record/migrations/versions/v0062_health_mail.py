"""When somebody was written to about what is wrong."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0062"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("health_finding", sa.Column("mailed_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
