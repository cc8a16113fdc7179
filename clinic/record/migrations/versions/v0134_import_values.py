"""
Values of imports have an end: when they went is noted, and until two people decided it none goes.

Before, whoever wrote to the record could delete them; now a trigger lets only those of an erased patient go, and
those of imports that are older than an open decision says.
"""

import sqlalchemy as sa
from alembic import op

from clinic.record.migrations.erasable import keep_rows
from clinic.record.types import UtcDateTime

revision = "0134"
down_revision = "0132"
branch_labels = None
depends_on = None

_GOES = (
    "EXISTS (SELECT 1 FROM redaction r WHERE r.ended_at IS NULL AND (r.patient_id = OLD.patient_id "
    "OR (r.what = 'import-values' AND EXISTS (SELECT 1 FROM import_run i WHERE i.id = OLD.import_id "
    "AND COALESCE(i.ended_at, i.began_at) < r.removes_before))))"
)


def upgrade() -> None:
    op.add_column("import_run", sa.Column("values_gone_at", UtcDateTime, nullable=True))
    for statement in keep_rows(op.get_bind().dialect.name, "import_change", f"NOT {_GOES}"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
