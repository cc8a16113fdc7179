"""Campaigns in time: their schedule, their pace, their first part; lanes whose pace all processes hold."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pace_lane",
        sa.Column("lane", sa.String(length=60), nullable=False),
        sa.Column("taken", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_pace_lane")),
    )
    for column in (
        sa.Column("start_at", UtcDateTime(), nullable=True),
        sa.Column("latest_start", UtcDateTime(), nullable=True),
        sa.Column("stagger_days", sa.Integer(), nullable=True),
        sa.Column("resumed_at", UtcDateTime(), nullable=True),
        sa.Column("pace_second", sa.Integer(), nullable=True),
        sa.Column("pace_hour", sa.Integer(), nullable=True),
        sa.Column("pace_day", sa.Integer(), nullable=True),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=True),
        sa.Column("canary_size", sa.Integer(), nullable=True),
        sa.Column("canary_until", UtcDateTime(), nullable=True),
        sa.Column("canary_passed", sa.Boolean(), server_default=sa.false(), nullable=False),
    ):
        op.add_column("campaign", column)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
