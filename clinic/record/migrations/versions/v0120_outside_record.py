"""What is to be saved to the clinical record outside, and what was."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime

revision = "0120"
down_revision = "0118"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outside_item",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(length=40), server_default="", nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=10), server_default="waiting", nullable=False),
        sa.Column("wanted", sa.String(length=10), nullable=False),
        sa.Column("has", sa.String(length=10), nullable=True),
        sa.Column("remote_id", sa.String(length=64), nullable=True),
        sa.Column("version", sa.String(length=64), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.Column("problem_says", sa.String(length=200), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'saved', 'refused')", name=op.f("ck_outside_item_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_item")),
        sa.UniqueConstraint(
            "kind", "item_id", "stream", name=op.f("uq_outside_item_kind_item_id_stream")
        ),
    )
    op.create_index(
        "ix_outside_item_open",
        "outside_item",
        ["state", "id"],
        sqlite_where=sa.text("state <> 'saved'"),
        postgresql_where=sa.text("state <> 'saved'"),
    )
    op.create_table(
        "outside_batch",
        sa.Column("batch_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_outside_batch")),
    )
    op.create_table(
        "outside_patient",
        sa.Column("patient_id", BigKey, autoincrement=False, nullable=False),
        sa.Column("remote_id", sa.String(length=64), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_outside_patient_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_outside_patient")),
    )
    op.create_table(
        "outside_side",
        sa.Column("name", sa.String(length=10), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("trouble", sa.String(length=200), nullable=True),
        sa.Column("trouble_since", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_outside_side")),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
