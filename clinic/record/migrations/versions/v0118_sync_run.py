"""What each import from a source gave, and by what an unchanged row of appointments is known again."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime

revision = "0118"
down_revision = "0116"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sync_run",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("begun_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("as_of", UtcDateTime),
        sa.Column("origin", sa.Text),
        sa.Column("sha256", sa.String(length=64)),
        sa.Column("rows", sa.Integer),
        sa.Column("counts", sa.Text),
        sa.Column("facts", sa.Text),
        sa.Column("checks", sa.Text),
        sa.Column("code", sa.String(length=60)),
        sa.Column("says", sa.Text),
        sa.Column("accepted_by", sa.String(length=80)),
        sa.Column("accepted_at", UtcDateTime),
        sa.Column("reason", sa.Text),
        sa.Column("used_by", BigKey),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_run")),
    )
    op.create_index("ix_sync_run_source", "sync_run", ["source", "kind", "id"])
    op.add_column("appointment_source", sa.Column("digest", sa.BigInteger))
    op.add_column("appointment_source", sa.Column("versions", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("appointment_source", "versions")
    op.drop_column("appointment_source", "digest")
    op.drop_table("sync_run")
