"""What somebody else edited is noted by patient and field, without the values: those could not be taken out."""

from alembic import op

from clinic.record.edit_log import note_membership, note_updates
from clinic.record.migrations.first.triggers import OF_PATIENTS, OF_VISITS
from clinic.record.migrations.triggers import drop_trigger

revision = "0098"
down_revision = "0096"
branch_labels = None
depends_on = None

_TABLES = (
    ("patient", tuple(OF_PATIENTS)),
    ("appointment", tuple(OF_VISITS)),
    ("patient_tag", ("tag_insert", "tag_delete")),
)


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    statements = [
        drop_trigger(dialect, f"note_{field}", table)
        for table, fields in _TABLES
        for field in fields
    ]
    statements += [
        "ALTER TABLE field_edit DROP COLUMN old",
        "ALTER TABLE field_edit DROP COLUMN new",
    ]
    if dialect == "postgresql":  # which only forgets the columns: written anew, the values are gone
        statements += [
            "CLUSTER field_edit USING pk_field_edit",
            "ALTER TABLE field_edit SET WITHOUT CLUSTER",
        ]
    statements += note_updates(dialect, "patient", OF_PATIENTS, patient="id", subject="0")
    statements += note_updates(
        dialect, "appointment", OF_VISITS, patient="patient_id", subject="id"
    )
    statements += note_membership(
        dialect, "patient_tag", "tag", patient="patient_id", subject="tag_id"
    )
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
