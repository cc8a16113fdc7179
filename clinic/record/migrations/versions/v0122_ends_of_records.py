"""
What triggers let go when the time of records is over: while two people's decision of it is open.

The text of a message that is on a record, the values of an operation and the ids that were typed for it become
a stub; acts of the trail and looks are deleted. Each only where it is older than the decision says.
"""

import sqlalchemy as sa
from alembic import op

from clinic.record.migrations.erasable import KEPT, Kept, guard_redaction, keep_rows, keep_values
from clinic.record.migrations.triggers import drop_trigger
from clinic.record.migrations.versions.v0116_a_text_once import MESSAGE
from clinic.record.schema.govern import ERASED, REMOVED
from clinic.record.types import UtcDateTime

revision = "0122"
down_revision = "0120"
branch_labels = None
depends_on = None

_OPERATION = (
    "r.what = 'before-images' AND EXISTS (SELECT 1 FROM operation o WHERE o.id = {operation} "
    "AND o.finished_at < r.removes_before)"
)
_SELECTION = (
    "r.what = 'before-images' AND NOT EXISTS (SELECT 1 FROM operation o "
    "WHERE o.selection_id = OLD.selection_id "
    "AND (o.finished_at IS NULL OR o.finished_at >= r.removes_before))"
)
# Whose values become a stub by a decision on a whole class
_BY_AGE = {
    "message": "r.what = 'messages' AND COALESCE(OLD.sent_at, OLD.status_at, r.removes_before) "
    "<= r.removes_before",
    "operation_item": _OPERATION.format(operation="OLD.operation_id"),
    "visit_plan": _OPERATION.format(operation="OLD.operation_id"),
    "selection_row": _SELECTION,
}
_GOES = {
    "audit_act": "r.what = 'trail' AND OLD.timestamp < r.removes_before",
    "access_log": "r.what = 'access-log' AND OLD.at < r.removes_before",
    "access_patient": "r.what = 'access-log' AND EXISTS (SELECT 1 FROM access_log l "
    "WHERE l.id = OLD.access_id AND l.at < r.removes_before)",
}


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.add_column("redaction", sa.Column("what", sa.String(length=20), nullable=True))
    op.add_column("redaction", sa.Column("removes_before", UtcDateTime(), nullable=True))
    for event in ("insert", "update"):
        op.execute(drop_trigger(dialect, f"refuse_{event}_redaction", "redaction"))
    for statement in guard_redaction(dialect, "what", "removes_before"):
        op.execute(statement)
    kept = {"message": MESSAGE, **KEPT}
    for table, by_age in _BY_AGE.items():
        op.execute(drop_trigger(dialect, f"refuse_update_{table}", table))
        for statement in keep_values(dialect, table, _also(kept[table], by_age)):
            op.execute(statement)
    for table, goes in _GOES.items():
        op.execute(drop_trigger(dialect, f"refuse_delete_{table}", table))
        if dialect == "postgresql":
            op.execute(drop_trigger(dialect, f"refuse_delete_{table}_truncate", table))
        is_open = f"EXISTS (SELECT 1 FROM redaction r WHERE r.ended_at IS NULL AND {goes})"  # noqa: S608
        for statement in keep_rows(dialect, table, f"NOT {is_open}"):
            op.execute(statement)


def _also(kept: Kept, by_age: str) -> Kept:
    return kept._replace(whose=f"({kept.whose} OR ({by_age}))", stubs=(ERASED, REMOVED))


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
