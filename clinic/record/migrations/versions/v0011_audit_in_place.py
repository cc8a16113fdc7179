"""The audit seals what operations changed where it stands, and a running operation is its own lock."""

import sqlalchemy as sa
from alembic import op

from clinic.errors import RecordUnsafe
from clinic.record.triggers import refuse_outcome_of_sealed

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    # No release wrote such items. Dropped unseen they would take the proof of what was done with them
    if connection.scalar(sa.text("SELECT count(*) FROM audit_item")):
        raise RecordUnsafe(
            "audit-older",
            "this record's audit trail was begun before version 0.1.0: keep it as it is, with the "
            "program that wrote it, and begin a new record",
        )
    op.drop_table("audit_item")
    if connection.dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_delete_audit_item")
        op.execute("DROP FUNCTION refuse_update_audit_item")
    op.drop_table("operation_lock")
    op.add_column("operation_chunk", sa.Column("root", sa.LargeBinary(), nullable=True))
    op.add_column("operation_chunk", sa.Column("marks", sa.LargeBinary(), nullable=True))
    for statement in refuse_outcome_of_sealed(connection.dialect.name):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
