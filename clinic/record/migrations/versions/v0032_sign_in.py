"""Who signed in, until when: a keyed mark of a token, never the token."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in",
        sa.Column("operator", sa.String(80), nullable=False),
        sa.Column("account", sa.BigInteger, nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("operator", "account", name=op.f("pk_sign_in")),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
