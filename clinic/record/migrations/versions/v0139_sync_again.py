"""When a row that lay ahead at an import from a source is to be read again."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0139"
down_revision = "0138"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sync_run", sa.Column("again_at", UtcDateTime))


def downgrade() -> None:
    op.drop_column("sync_run", "again_at")
