"""The record: people, lists, templates, and the ledger."""

import sqlalchemy as sa
from alembic import op

from clinic.record.triggers import refuse_delete, refuse_update
from clinic.record.types import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "cohort_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_key", sa.String(length=80), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("layout", sa.String(length=10), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("encoding", sa.String(length=20), nullable=True),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("criteria", sa.Text(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("date_order", sa.String(length=10), nullable=True),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("taken_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort_list")),
        sa.UniqueConstraint("request_key", name=op.f("uq_cohort_list_request_key")),
    )
    op.create_table(
        "facility",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("default_provider_id", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility")),
        sa.UniqueConstraint("code", name=op.f("uq_facility_code")),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("install_id", sa.String(length=36), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "message",
        sa.Column("id", BIG_KEY, autoincrement=False, nullable=False),
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
    op.create_table(
        "outbox_submission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_submission")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_submission_key")),
    )
    op.create_table(
        "patient_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_group")),
        sa.UniqueConstraint("code", name=op.f("uq_patient_group_code")),
    )
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
    op.create_table(
        "tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("code", name=op.f("uq_tag_code")),
    )
    op.create_table(
        "template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("message_type", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.String(length=40), server_default="any", nullable=False),
        sa.Column("locked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
        sa.UniqueConstraint("key", name=op.f("uq_template_key")),
    )
    op.create_table(
        "list_row",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("unreadable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["cohort_list.id"], name=op.f("fk_list_row_list_id")),
        sa.PrimaryKeyConstraint("list_id", "row_number", name=op.f("pk_list_row")),
        sqlite_with_rowid=False,
    )
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
    op.create_table(
        "provider",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("speciality", sa.String(length=80), nullable=True),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_provider_facility_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider")),
        sa.UniqueConstraint("code", name=op.f("uq_provider_code")),
    )
    op.create_table(
        "template_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"], ["template.id"], name=op.f("fk_template_version_template_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_version")),
        sa.UniqueConstraint(
            "template_id", "version", name=op.f("uq_template_version_template_id_version")
        ),
    )
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
        sa.UniqueConstraint("request_key", name=op.f("uq_campaign_request_key")),
        sa.UniqueConstraint("send_guard", name=op.f("uq_campaign_send_guard")),
    )
    op.create_index(
        "ix_campaign_list_id", "campaign", ["list_id", "template_version_id"], unique=False
    )
    op.create_table(
        "patient",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("nhs_number", sa.String(length=10), nullable=True),
        sa.Column("local_id", sa.String(length=40), nullable=True),
        sa.Column("title", sa.String(length=35), nullable=True),
        sa.Column("given_name", sa.Text(), server_default="", nullable=False),
        sa.Column("family_name", sa.Text(), server_default="", nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("death_date", sa.Date(), nullable=True),
        sa.Column("sex", sa.String(length=10), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("postcode", sa.String(length=10), nullable=True),
        sa.Column("mobile", sa.String(length=40), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("status", sa.String(length=40), server_default="active", nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("provider_id", sa.Integer(), nullable=True),
        sa.Column("preferred_channel", sa.String(length=10), nullable=True),
        sa.Column("fictitious", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=True),
        sa.Column("deregistered_on", sa.Date(), nullable=True),
        sa.Column("insurance_plan", sa.String(length=80), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_patient_facility_id")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["provider.id"], name=op.f("fk_patient_provider_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("local_id", name=op.f("uq_patient_local_id")),
        sa.UniqueConstraint("nhs_number", name=op.f("uq_patient_nhs_number")),
    )
    op.create_index("ix_patient_facility_id", "patient", ["facility_id"], unique=False)
    op.create_index("ix_patient_mobile", "patient", ["mobile"], unique=False)
    op.create_index("ix_patient_provider_id", "patient", ["provider_id"], unique=False)
    op.create_table(
        "appointment",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("patient_id", BIG_KEY, nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=True),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("minutes", sa.Integer(), server_default="15", nullable=False),
        sa.Column("visit_type", sa.String(length=80), server_default="visit", nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("session_type", sa.String(length=80), nullable=True),
        sa.Column("booking_requirement", sa.String(length=80), nullable=True),
        sa.Column("status", sa.String(length=20), server_default="booked", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_appointment_facility_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_appointment_patient_id")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["provider.id"], name=op.f("fk_appointment_provider_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
    )
    op.create_index(
        "ix_appointment_patient_id", "appointment", ["patient_id", "starts_at"], unique=False
    )
    op.create_index(
        "ix_appointment_provider_id", "appointment", ["provider_id", "starts_at"], unique=False
    )
    op.create_index("ix_appointment_starts_at", "appointment", ["starts_at"], unique=False)
    op.create_table(
        "batch",
        sa.Column("id", BIG_KEY, autoincrement=False, nullable=False),
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
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_batch_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_batch_campaign_id_number")),
    )
    op.create_index("ix_batch_state", "batch", ["state", "not_before"], unique=False)
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
    op.create_table(
        "clinical_item",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("patient_id", BIG_KEY, nullable=False),
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
            "status IN ('pending', 'sent', 'failed')", name=op.f("ck_clinical_item_status_known")
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
    op.create_table(
        "consent",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("patient_id", BIG_KEY, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=40), server_default="any", nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "decision IN ('opt_out', 'opt_in')", name=op.f("ck_consent_decision_known")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_consent_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_patient_id", "consent", ["patient_id"], unique=False)
    op.create_table(
        "group_member",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("patient_id", BIG_KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["patient_group.id"], name=op.f("fk_group_member_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_group_member_patient_id")
        ),
        sa.PrimaryKeyConstraint("group_id", "patient_id", name=op.f("pk_group_member")),
    )
    op.create_table(
        "patient_tag",
        sa.Column("patient_id", BIG_KEY, nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_patient_tag_patient_id")
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_patient_tag_tag_id")),
        sa.PrimaryKeyConstraint("patient_id", "tag_id", name=op.f("pk_patient_tag")),
    )
    op.create_table(
        "recipient",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=30), nullable=False),
        sa.Column("detail", sa.String(length=60), nullable=True),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_recipient_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "row_number", name=op.f("pk_recipient")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_recipient_patient_id", "recipient", ["campaign_id", "patient_id"], unique=False
    )
    dialect = op.get_bind().dialect.name
    # What was said stays; only the status follows the receipts (COM-9, COM-10)
    kept = ("id", "patient_id", "campaign_id", "channel", "address", "subject", "text")
    for statement in refuse_delete(dialect, "clinical_item"):
        op.execute(statement)
    for statement in refuse_update(dialect, "clinical_item", (*kept, "snomed_codes", "sent_at")):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
