"""What a campaign that was set back cannot know: between which times its messages may have left."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0060"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("doubt_since", UtcDateTime(), nullable=True))
    op.add_column("campaign", sa.Column("doubt_until", UtcDateTime(), nullable=True))
    op.add_column("campaign", sa.Column("doubt_said", sa.String(length=10), nullable=True))
    # Held by an earlier version, which noted no time: since they were released, or made
    op.execute(
        sa.text(
            "UPDATE campaign SET doubt_since = coalesce(released_at, created_at), doubt_until = "
            "coalesce((SELECT stopped_at FROM installation), released_at, created_at) "
            "WHERE state = 'held' AND NOT dry_run"
        )
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
