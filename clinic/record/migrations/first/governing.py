"""Operators, approvals, the audit trail, settings that two people change, the installation and its health."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime


def create() -> None:
    """All of them, empty."""
    _operator()
    _sign_in()
    _approval()
    _audit_block()
    _audit_act()
    _audit_row_seal()
    _governed_setting()
    _installation()
    _health_finding()


def _operator() -> None:
    op.create_table(
        "operator",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("wrong_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "role IN ('operator', 'team_lead', 'manager', 'admin')",
            name=op.f("ck_operator_role_known"),
        ),
        sa.CheckConstraint("name = lower(name)", name=op.f("ck_operator_name_lower")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_operator")),
    )


def _sign_in() -> None:
    op.create_table(
        "sign_in",
        sa.Column("operator", sa.String(length=80), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("operator", "account", name=op.f("pk_sign_in")),
    )


def _approval() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("requested_by", sa.String(length=80), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("flow_run_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'approved', 'rejected', 'used', 'void', 'expired')",
            name=op.f("ck_approval_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'rejected', 'used') OR decided_by IS NOT NULL",
            name=op.f("ck_approval_decision_has_a_person"),
        ),
        sa.CheckConstraint(
            "lower(decided_by) <> lower(requested_by)", name=op.f("ck_approval_two_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index("ix_approval_subject", "approval", ["subject", "subject_id"], unique=False)
    op.create_index(
        "uq_approval_open",
        "approval",
        ["subject", "subject_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting', 'approved')"),
        postgresql_where=sa.text("state IN ('waiting', 'approved')"),
    )


def _audit_block() -> None:
    op.create_table(
        "audit_block",
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("holds", sa.String(length=5), nullable=False),
        sa.Column("operation_id", sa.BigInteger(), nullable=True),
        sa.Column("chunk", sa.Integer(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_patient", sa.BigInteger(), nullable=True),
        sa.Column("last_patient", sa.BigInteger(), nullable=True),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("sealed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("holds IN ('act', 'items')", name=op.f("ck_audit_block_holds_known")),
        sa.PrimaryKeyConstraint("stream", "number", name=op.f("pk_audit_block")),
        sa.UniqueConstraint("stream", "chunk", name=op.f("uq_audit_block_stream_chunk")),
    )
    op.create_index(
        "ix_audit_block_patients", "audit_block", ["first_patient", "last_patient"], unique=False
    )


def _audit_act() -> None:
    op.create_table(
        "audit_act",
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.Column("operator", sa.String(length=80), nullable=False),
        sa.Column("approver", sa.String(length=80), nullable=True),
        sa.Column("operation_type", sa.String(length=40), nullable=False),
        sa.Column("patients_affected", sa.Integer(), nullable=False),
        sa.Column("old_values", sa.Text(), nullable=True),
        sa.Column("new_values", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream", "number"],
            ["audit_block.stream", "audit_block.number"],
            name=op.f("fk_audit_act_stream_number"),
        ),
        sa.PrimaryKeyConstraint("stream", "number", name=op.f("pk_audit_act")),
    )
    op.create_index("ix_audit_act_subject", "audit_act", ["subject", "subject_id"], unique=False)
    op.create_index("ix_audit_act_timestamp", "audit_act", ["timestamp"], unique=False)


def _audit_row_seal() -> None:
    op.create_table(
        "audit_row_seal",
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream", "number"],
            ["audit_block.stream", "audit_block.number"],
            name=op.f("fk_audit_row_seal_stream_number"),
        ),
        sa.PrimaryKeyConstraint("stream", "number", "table_name", name=op.f("pk_audit_row_seal")),
    )


def _governed_setting() -> None:
    op.create_table(
        "governed_setting",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=True),
        sa.Column("approval_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_governed_setting")),
    )


def _installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("install_id", sa.String(length=36), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("stopped_code", sa.String(length=40), nullable=True),
        sa.Column("stopped_by", sa.String(length=80), nullable=True),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("cluster", sa.String(length=60), nullable=True),
        sa.Column("backup_at", UtcDateTime(), nullable=True),
        sa.Column("backup_checked_at", UtcDateTime(), nullable=True),
        sa.Column("watched_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )


def _health_finding() -> None:
    op.create_table(
        "health_finding",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("told", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("mailed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_health_finding")),
    )
