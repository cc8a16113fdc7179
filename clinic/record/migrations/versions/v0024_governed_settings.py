"""Settings that one person alone may not change are in the record."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0024"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "governed_setting",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("set_at", UtcDateTime, nullable=False),
        sa.Column("set_by", sa.String(80), nullable=False),
        sa.Column("approved_by", sa.String(80)),
        sa.Column("approval_id", sa.Integer),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
