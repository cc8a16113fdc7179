"""
When a campaign halted itself and whether that was told; what the gateway said of a batch that waits; and
clinical items of messages that were kept in the outbox.
"""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0023"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("halted_at", UtcDateTime, nullable=True))
    op.add_column("campaign", sa.Column("halt_told_at", UtcDateTime, nullable=True))
    op.add_column("batch", sa.Column("trouble", sa.String(200), nullable=True))
    _let_items_be_kept(op.get_bind())


def _let_items_be_kept(connection: sa.Connection) -> None:
    """
    A fourth status. SQLite cannot change a CHECK; to copy the table would drop the triggers that keep it,
    so its text is changed in place, as SQLite's documentation has it for what touches no stored row.
    """
    name, before, after = "ck_clinical_item_status_known", "'failed')", "'failed', 'kept')"
    if connection.dialect.name == "postgresql":
        op.drop_constraint(op.f(name), "clinical_item", type_="check")
        op.create_check_constraint(
            op.f(name), "clinical_item", "status IN ('pending', 'sent', 'failed', 'kept')"
        )
        return
    version = connection.execute(sa.text("PRAGMA schema_version")).scalar_one()
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    connection.execute(
        sa.text(
            "UPDATE sqlite_master SET sql = replace(sql, :before, :after) "
            "WHERE type = 'table' AND name = 'clinical_item'"
        ),
        {"before": before, "after": after},
    )
    connection.execute(sa.text(f"PRAGMA schema_version = {int(version) + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = RESET"))


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
