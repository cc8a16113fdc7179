"""Replies that nobody has looked at for marks are found by an index, each time that a run looks for them."""

import sqlalchemy as sa
from alembic import op

revision = "0092"
down_revision = "0090"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_reply_unmarked",
        "reply",
        ["id"],
        sqlite_where=sa.text("marks IS NULL"),
        postgresql_where=sa.text("marks IS NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
