"""The trail seals rows where they stand: messages, campaigns, operators, approvals, operations, selections."""

import sqlalchemy as sa
from alembic import op

from clinic.record.triggers import refuse_delete, refuse_update

revision = "0025"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    dialect = op.get_bind().dialect.name
    for statement in (
        *refuse_delete(dialect, "audit_row_seal"),
        *refuse_update(dialect, "audit_row_seal"),
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
