"""A gateway's ids of the parts of a message, and receipts that name nothing else."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0138"
down_revision = "0137"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "message_part",
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("gateway_ref", sa.String(length=80), nullable=False),
        sa.Column("outcome", sa.String(length=12)),
        sa.Column("reason", sa.String(length=60)),
        sa.Column("noted_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "part", name=op.f("pk_message_part")),
    )
    op.create_index("ix_message_part_gateway_ref", "message_part", ["gateway_ref"])
    op.add_column("receipt_inbox", sa.Column("gateway_ref", sa.String(length=80)))
    op.add_column("receipt_inbox", sa.Column("recipient", sa.String(length=40)))
    op.add_column("receipt_inbox", sa.Column("mark", sa.Integer))


def downgrade() -> None:
    for column in ("mark", "recipient", "gateway_ref"):
        op.drop_column("receipt_inbox", column)
    op.drop_table("message_part")
