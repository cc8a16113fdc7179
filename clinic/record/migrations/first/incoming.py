"""Delivery receipts, replies, decisions of an address, reminders that were given."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime


def create() -> None:
    """All of them, empty."""
    _receipt_inbox()
    _receipt_unread()
    _receipt_cursor()
    _reply()
    _address_decision()
    _reminder()


def _receipt_inbox() -> None:
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
    op.create_index(
        "ix_receipt_inbox_waiting",
        "receipt_inbox",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )


def _receipt_unread() -> None:
    op.create_table(
        "receipt_unread",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_unread")),
        sa.UniqueConstraint("gateway", "digest", name=op.f("uq_receipt_unread_gateway_digest")),
    )


def _receipt_cursor() -> None:
    op.create_table(
        "receipt_cursor",
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("pulled_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_receipt_cursor")),
    )


def _reply() -> None:
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
    op.create_index(
        "ix_reply_new",
        "reply",
        ["id"],
        unique=False,
        sqlite_where=sa.text("patients IS NULL"),
        postgresql_where=sa.text("patients IS NULL"),
    )


def _address_decision() -> None:
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


def _reminder() -> None:
    op.create_table(
        "reminder",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("provider_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["cohort_list.id"], name=op.f("fk_reminder_list_id")),
        sa.PrimaryKeyConstraint("list_id", "row_number", name=op.f("pk_reminder")),
        sa.UniqueConstraint("message_id", name=op.f("uq_reminder_message_id")),
    )
    op.create_index(
        "uq_reminder_given",
        "reminder",
        ["appointment_id", "starts_at"],
        unique=True,
        sqlite_where=sa.text("message_id IS NOT NULL"),
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
