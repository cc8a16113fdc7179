"""Replies have a state, an owner and marks; a reply may hold a number or a patient until staff decide."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime

revision = "0082"
down_revision = "0080"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("marks", sa.String(length=60)),
        sa.Column("state", sa.String(length=10), nullable=False, server_default="open"),
        sa.Column("owner", sa.String(length=80)),
        sa.Column("note", sa.Text()),
        sa.Column("state_by", sa.String(length=80)),
        sa.Column("state_at", UtcDateTime),
    ):
        op.add_column("reply", column)
    op.execute("UPDATE reply SET state = 'done' WHERE keyword IN ('stop', 'start')")
    op.create_index(
        "ix_reply_not_done",
        "reply",
        ["id"],
        sqlite_where=sa.text("state <> 'done'"),
        postgresql_where=sa.text("state <> 'done'"),
    )
    op.create_table(
        "contact_hold",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("reply_id", BigKey, nullable=False),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("held_at", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(length=10), server_default="held", nullable=False),
        sa.Column("decided_by", sa.String(length=80)),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("note", sa.Text()),
        sa.ForeignKeyConstraint(
            ["reply_id"], ["reply.id"], name=op.f("fk_contact_hold_reply_id_reply")
        ),
        sa.CheckConstraint(
            "state IN ('held', 'kept', 'released')", name=op.f("ck_contact_hold_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_hold")),
        sa.UniqueConstraint(
            "reply_id", "why", "patient_id", name=op.f("uq_contact_hold_reply_id_why_patient_id")
        ),
    )
    op.create_index("ix_contact_hold_address", "contact_hold", ["address"])
    op.create_index("ix_contact_hold_patient_id", "contact_hold", ["patient_id"])


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
