"""Numbers that patients share: how each message speaks, confirmed numbers, and STOP from such a number."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime

revision = "0074"
down_revision = "0082"
branch_labels = None
depends_on = None

_DIGITS = "mobile"
for _sign in (" ", "-", "(", ")", ".", "/", "\u00a0"):
    _DIGITS = f"replace({_DIGITS}, '{_sign}', '')"


def upgrade() -> None:
    _columns()
    op.create_index(
        "ix_patient_mobile_tail",
        "patient",
        [sa.text(f"substr({_DIGITS}, length({_DIGITS}) - 7)")],
    )
    op.create_index("ix_patient_email_plain", "patient", [sa.text("lower(trim(email))")])
    op.create_table(
        "shared_decision",
        sa.Column("reply_id", BigKey, nullable=False),
        sa.Column("patient_id", BigKey, nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reply_id"], ["reply.id"], name=op.f("fk_shared_decision_reply_id_reply")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_shared_decision_patient_id_patient")
        ),
        sa.CheckConstraint(
            "decision IN ('opt_out', 'opt_in', 'lifted')",
            name=op.f("ck_shared_decision_decision_known"),
        ),
        sa.PrimaryKeyConstraint("reply_id", "patient_id", name=op.f("pk_shared_decision")),
    )
    op.create_index(
        "ix_shared_decision_open",
        "shared_decision",
        ["reply_id"],
        sqlite_where=sa.text("decision IS NULL"),
        postgresql_where=sa.text("decision IS NULL"),
    )


def _columns() -> None:
    op.add_column("patient", sa.Column("mobile_confirmed_on", sa.Date(), nullable=True))
    op.add_column(
        "message",
        sa.Column("sensitive", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "message",
        sa.Column("greeting", sa.String(length=10), server_default="", nullable=False),
    )
    op.add_column("message", sa.Column("told_by", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_message_told_by",
        "message",
        ["told_by"],
        sqlite_where=sa.text("told_by IS NOT NULL"),
        postgresql_where=sa.text("told_by IS NOT NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
