"""Batches, messages and submissions; the outbox."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime


def create() -> None:
    """All of them, empty."""
    _batch()
    _message()
    _submission()
    _outbox_submission()
    _outbox()


def _batch() -> None:
    op.create_table(
        "batch",
        sa.Column("id", BigKey, autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deaths", sa.Integer(), server_default="0", nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unknown", sa.Integer(), server_default="0", nullable=False),
        sa.Column("suppressed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("saved", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("settled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("trouble", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_batch_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_batch_campaign_id_number")),
    )
    op.create_index("ix_batch_state", "batch", ["state", "not_before"], unique=False)
    op.create_index(
        "ix_batch_unsettled",
        "batch",
        ["campaign_id"],
        unique=False,
        sqlite_where=sa.text("NOT settled"),
        postgresql_where=sa.text("NOT settled"),
    )


def _message() -> None:
    op.create_table(
        "message",
        sa.Column("id", BigKey, autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("segments", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("state", sa.String(length=12), server_default="pending", nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=True),
        sa.Column("error_text", sa.Text(), nullable=True),
        sa.Column("gateway_ref", sa.String(length=80), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("status_at", UtcDateTime(), nullable=True),
        sa.Column("evidence", sa.String(length=30), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint(
            "campaign_id",
            "patient_id",
            "channel",
            name=op.f("uq_message_campaign_id_patient_id_channel"),
        ),
    )
    op.create_index("ix_message_batch_id", "message", ["batch_id"], unique=False)
    op.create_index("ix_message_patient_id", "message", ["patient_id"], unique=False)


def _submission() -> None:
    op.create_table(
        "submission",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("gateway_class", sa.String(length=1), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.Column("open_members", sa.LargeBinary(), nullable=False),
        sa.Column("per_request", sa.Integer(), nullable=False),
        sa.Column("payload_sha256", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("window_until", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("batch_id", "attempt", name=op.f("uq_submission_batch_id_attempt")),
    )
    op.create_index(
        "uq_submission_open",
        "submission",
        ["batch_id"],
        unique=True,
        sqlite_where=sa.text("state = 'intent'"),
        postgresql_where=sa.text("state = 'intent'"),
    )


def _outbox_submission() -> None:
    op.create_table(
        "outbox_submission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_submission")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_submission_key")),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["outbox_submission.id"], name=op.f("fk_outbox_submission_id")
        ),
        sa.PrimaryKeyConstraint("submission_id", "reference", name=op.f("pk_outbox")),
        sqlite_with_rowid=False,
    )
