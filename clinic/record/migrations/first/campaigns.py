"""Campaigns, who is in them, and what was saved to patients' records of them."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime


def create() -> None:
    """All of them, empty."""
    _campaign()
    _recipient()
    _gate_override()
    _check_result()
    _pace_lane()
    _clinical_item()


def _campaign() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_key", sa.String(length=80), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("template_version_id", sa.Integer(), nullable=False),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("dry_run", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("save_to_record", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("save_when", sa.String(length=10), server_default="sent", nullable=False),
        sa.Column("snomed_codes", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("send_guard", sa.String(length=64), nullable=True),
        sa.Column("batch_size", sa.Integer(), server_default="1000", nullable=False),
        sa.Column("resend_of", sa.Integer(), nullable=True),
        sa.Column("rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("checked_rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("staged_rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("requested_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
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
        sa.Column("canary_passed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("halted_at", UtcDateTime(), nullable=True),
        sa.Column("halt_told_at", UtcDateTime(), nullable=True),
        sa.Column("message_base", sa.BigInteger(), nullable=False),
        sa.Column("rewritten", sa.Text(), nullable=True),
        sa.Column("doubt_since", UtcDateTime(), nullable=True),
        sa.Column("doubt_until", UtcDateTime(), nullable=True),
        sa.Column("doubt_said", sa.String(length=10), nullable=True),
        sa.CheckConstraint(
            "save_when IN ('sent', 'delivered')", name=op.f("ck_campaign_save_when_known")
        ),
        sa.ForeignKeyConstraint(["list_id"], ["cohort_list.id"], name=op.f("fk_campaign_list_id")),
        sa.ForeignKeyConstraint(["resend_of"], ["campaign.id"], name=op.f("fk_campaign_resend_of")),
        sa.ForeignKeyConstraint(
            ["template_version_id"],
            ["template_version.id"],
            name=op.f("fk_campaign_template_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("send_guard", name=op.f("uq_campaign_send_guard")),
        sa.UniqueConstraint("request_key", name=op.f("uq_campaign_request_key")),
        sa.UniqueConstraint("message_base", name=op.f("uq_campaign_message_base")),
    )
    op.create_index(
        "ix_campaign_list_id", "campaign", ["list_id", "template_version_id"], unique=False
    )


def _recipient() -> None:
    op.create_table(
        "recipient",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=30), nullable=False),
        sa.Column("detail", sa.String(length=60), nullable=True),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.Column("evidence", sa.String(length=30), nullable=True),
        sa.Column("record_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_recipient_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "row_number", name=op.f("pk_recipient")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_recipient_patient_id", "recipient", ["campaign_id", "patient_id"], unique=False
    )


def _gate_override() -> None:
    op.create_table(
        "gate_override",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("overridden_by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_gate_override_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_gate_override")),
    )


def _check_result() -> None:
    op.create_table(
        "check_result",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("suite", sa.String(length=40), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("checks", sa.Text(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_check_result_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "suite", name=op.f("pk_check_result")),
    )


def _pace_lane() -> None:
    op.create_table(
        "pace_lane",
        sa.Column("lane", sa.String(length=60), nullable=False),
        sa.Column("taken", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_pace_lane")),
    )


def _clinical_item() -> None:
    op.create_table(
        "clinical_item",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("patient_id", BigKey, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("snomed_codes", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("error_code", sa.String(length=60), nullable=True),
        sa.Column("error_text", sa.Text(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("status_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'failed', 'kept')",
            name=op.f("ck_clinical_item_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_clinical_item_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_clinical_item_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinical_item")),
    )
    op.create_index("ix_clinical_item_campaign_id", "clinical_item", ["campaign_id"], unique=False)
    op.create_index("ix_clinical_item_patient_id", "clinical_item", ["patient_id"], unique=False)
