"""An index of the messages that speak to adults who share a number: who tells others is looked for by it."""

import sqlalchemy as sa
from alembic import op

revision = "0094"
down_revision = "0092"
branch_labels = None
depends_on = None


def upgrade() -> None:
    neutral = sa.text("greeting = 'neutral'")
    op.create_index(
        "ix_message_neutral", "message", ["campaign_id", "address"], sqlite_where=neutral,
        postgresql_where=neutral,
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
