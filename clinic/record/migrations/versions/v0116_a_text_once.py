"""
Address and text of a message stand once, in the ledger: not on the clinical item nor in the outbox again.

An item without its message (somebody deleted that past the program) gives it back to the ledger with what it
says: no text is lost. An item that says another thing than its message is a record that was edited past the
triggers: nothing is changed, and whoever upgrades is told. What the outbox kept before has no mark.
"""

import sqlalchemy as sa
from alembic import op

from clinic.errors import RecordUnsafe
from clinic.record.migrations.erasable import Kept, keep_rows, keep_values
from clinic.record.migrations.triggers import drop_trigger

revision = "0116"
down_revision = "0114"
branch_labels = None
depends_on = None

_SAID = ("address", "subject", "text")
ITEM = Kept(
    ("id", "patient_id", "campaign_id", "channel", "sent_at"),
    (),
    "r.patient_id = OLD.patient_id",
    ("snomed_codes",),
)
ON_RECORD = "EXISTS (SELECT 1 FROM clinical_item i WHERE i.id = OLD.id)"
MESSAGE = Kept(
    ("id", "campaign_id", "patient_id", "channel"),
    ("address", "subject", "body"),
    "r.patient_id = OLD.patient_id",
    only=ON_RECORD,
)
_GIVE_BACK = """
INSERT INTO message (id, campaign_id, batch_id, patient_id, row_number, channel, address, subject, body, state,
    reason, error_text, sent_at, status_at)
SELECT i.id, i.campaign_id, 0, i.patient_id, i.id - c.message_base, i.channel, i.address, i.subject, i.text,
    CASE i.status WHEN 'failed' THEN 'undelivered' WHEN 'pending' THEN 'accepted' ELSE 'delivered' END,
    i.error_code, i.error_text, i.sent_at, i.status_at
FROM clinical_item i JOIN campaign c ON c.id = i.campaign_id
WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = i.id) ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    connection = op.get_bind()
    dialect = connection.dialect.name
    _nothing_is_lost(connection)
    op.execute(drop_trigger(dialect, "refuse_update_clinical_item", "clinical_item"))
    for name in _SAID:
        op.execute(f"ALTER TABLE clinical_item DROP COLUMN {name}")
    for name in ("address", "subject", "body"):
        op.execute(f"ALTER TABLE outbox DROP COLUMN {name}")
    op.add_column("outbox", sa.Column("mark", sa.LargeBinary(), nullable=True))
    if dialect == "postgresql":  # which only forgets the columns: written anew, the texts are gone
        for table in ("clinical_item", "outbox"):
            op.execute(f"CLUSTER {table} USING pk_{table}")
            op.execute(f"ALTER TABLE {table} SET WITHOUT CLUSTER")
    for statement in (
        *keep_values(dialect, "clinical_item", ITEM),
        *keep_values(dialect, "message", MESSAGE),
        *keep_rows(dialect, "message", ON_RECORD),
    ):
        op.execute(statement)


def _nothing_is_lost(connection: sa.Connection) -> None:
    connection.execute(sa.text(_GIVE_BACK))
    unlike = "IS NOT" if connection.dialect.name == "sqlite" else "IS DISTINCT FROM"
    query = (
        "SELECT COUNT(*) FROM clinical_item i LEFT JOIN message m ON m.id = i.id WHERE m.id IS NULL "  # noqa: S608
        f"OR m.address <> i.address OR m.body <> i.text OR m.subject {unlike} i.subject"
    )
    if count := connection.scalar(sa.text(query)):
        raise RecordUnsafe(
            "audit-differs",
            f"{count} clinical items say another thing than the messages that they were made of, so nothing was "
            "changed: with the version before, cohort audit verify names the first; bring back a backup",
        )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
