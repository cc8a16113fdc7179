"""Who somebody is at an OpenID provider."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0151"
down_revision = "0147"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operator_identity",
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("operator", sa.String(length=80), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_operator_identity")),
    )
    op.create_index("ix_operator_identity_operator", "operator_identity", ["operator"])


def downgrade() -> None:
    op.drop_table("operator_identity")
