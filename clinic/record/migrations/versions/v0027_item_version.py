"""The version that an item is changed from rises until it is written: another field's edit is no conflict."""

from alembic import op

from clinic.record.migrations.versions.v0003_change import PLAN
from clinic.record.triggers import refuse_update, refuse_version_of_sealed

revision = "0027"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    table = " ON operation_item" if dialect == "postgresql" else ""
    op.execute(f"DROP TRIGGER refuse_update_operation_item{table}")
    kept = [column for column in PLAN if column != "version_before"]
    for statement in (
        *refuse_update(dialect, "operation_item", kept),
        *refuse_version_of_sealed(dialect),
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
