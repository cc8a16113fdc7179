"""When a record was last backed up and looked after, and what was found wrong with its installation."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0056"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("installation", sa.Column("backup_at", UtcDateTime(), nullable=True))
    op.add_column("installation", sa.Column("backup_checked_at", UtcDateTime(), nullable=True))
    op.add_column("installation", sa.Column("watched_at", UtcDateTime(), nullable=True))
    op.create_table(
        "health_finding",
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_health_finding")),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
