"""Of what day a list is, and the day that a message asks its patient to keep."""

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0078"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cohort_list", sa.Column("as_of", sa.Date(), nullable=True))
    op.add_column("cohort_list", sa.Column("as_of_from", sa.String(length=10), nullable=True))
    op.add_column("recipient", sa.Column("keep_day", sa.Date(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
