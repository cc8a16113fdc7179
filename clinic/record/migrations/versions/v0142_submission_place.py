"""What identifies the provider that a submission was sent to: a gateway's name may come to lead elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0142"
down_revision = "0141"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("submission", sa.Column("place_sha256", sa.String(length=64)))


def downgrade() -> None:
    op.drop_column("submission", "place_sha256")
