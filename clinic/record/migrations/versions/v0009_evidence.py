"""Which decision it was that left a row out before sending; what a reminder told of where the visit is."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("recipient", sa.Column("evidence", sa.String(length=30), nullable=True))
    op.add_column("reminder", sa.Column("place", sa.Text(), nullable=True))
    op.add_column("reminder", sa.Column("facility_id", sa.Integer(), nullable=True))
    op.add_column("reminder", sa.Column("provider_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
