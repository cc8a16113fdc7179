"""What the reader of a file left out, changed or ignored is kept with the list."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cohort_list", sa.Column("remarks", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
