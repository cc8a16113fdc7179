"""What comes back: receipts, replies, decisions of an address, reminders that were given."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _receipts()
    _replies()
    _reminders()
    # What decided over a message that was left out: "consent 12", "reply 5", "appointment 9"
    op.add_column("message", sa.Column("evidence", sa.String(length=30), nullable=True))
    op.add_column(
        "batch", sa.Column("settled", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    open_ones = sa.text("NOT settled")
    op.create_index(
        "ix_batch_unsettled",
        "batch",
        ["campaign_id"],
        sqlite_where=open_ones,
        postgresql_where=open_ones,
    )


def _receipts() -> None:
    op.create_table(
        "receipt_inbox",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=True),
        sa.Column("error_text", sa.Text(), nullable=True),
        sa.Column("happened_at", UtcDateTime(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="waiting", nullable=False),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'delivered', 'undelivered', 'rejected')",
            name=op.f("ck_receipt_inbox_outcome_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_inbox")),
        sa.UniqueConstraint("gateway", "event_id", name=op.f("uq_receipt_inbox_gateway_event_id")),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_receipt_inbox_waiting",
        "receipt_inbox",
        ["id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_table(
        "receipt_cursor",
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("pulled_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_receipt_cursor")),
    )


def _replies() -> None:
    op.create_table(
        "reply",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("keyword", sa.String(length=10), nullable=True),
        sa.Column("happened_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("patients", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        sa.UniqueConstraint("gateway", "event_id", name=op.f("uq_reply_gateway_event_id")),
    )
    new = sa.text("patients IS NULL")
    op.create_index("ix_reply_new", "reply", ["id"], sqlite_where=new, postgresql_where=new)
    op.create_table(
        "address_decision",
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("evidence", sa.String(length=30), nullable=False),
        sa.CheckConstraint(
            "decision IN ('opt_out', 'opt_in')", name=op.f("ck_address_decision_decision_known")
        ),
        sa.PrimaryKeyConstraint("channel", "address", name=op.f("pk_address_decision")),
    )


def _reminders() -> None:
    op.create_table(
        "reminder",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["cohort_list.id"], name=op.f("fk_reminder_list_id")),
        sa.PrimaryKeyConstraint("list_id", "row_number", name=op.f("pk_reminder")),
        sa.UniqueConstraint("message_id", name=op.f("uq_reminder_message_id")),
    )
    given = sa.text("message_id IS NOT NULL")
    op.create_index(
        "uq_reminder_given",
        "reminder",
        ["appointment_id", "starts_at"],
        unique=True,
        sqlite_where=given,
        postgresql_where=given,
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
