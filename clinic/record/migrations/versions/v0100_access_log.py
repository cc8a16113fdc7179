"""Who looked at which patients, by which command and why: kept as it was written."""

import sqlalchemy as sa
from alembic import op

from clinic.record.migrations.triggers import refuse_delete, refuse_update
from clinic.record.types import BigKey, UtcDateTime

revision = "0100"
down_revision = "0098"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_log",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=True),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("host", sa.String(length=80), nullable=False),
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("command", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("sent_from", UtcDateTime(), nullable=True),
        sa.Column("sent_before", UtcDateTime(), nullable=True),
        sa.Column("patients", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("refused", sa.String(length=60), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log")),
    )
    op.create_index("ix_access_log_at", "access_log", ["at"])
    op.create_index("ix_access_log_subject", "access_log", ["subject", "subject_id"])
    op.create_table(
        "access_patient",
        sa.Column("access_id", BigKey, autoincrement=False, nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["access_id"], ["access_log.id"], name=op.f("fk_access_patient_access_id_access_log")
        ),
        sa.PrimaryKeyConstraint("access_id", "patient_id", name=op.f("pk_access_patient")),
    )
    op.create_index("ix_access_patient_patient_id", "access_patient", ["patient_id"])
    dialect = op.get_bind().dialect.name
    for table in ("access_log", "access_patient"):
        for statement in (*refuse_delete(dialect, table), *refuse_update(dialect, table)):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
