"""
No number of a decision comes a second time on SQLite, as on PostgreSQL.

An import that took a decision out left its number to the next one, which may be a patient's own: an import that
was put back took that.
"""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0145"
down_revision = "0144"
branch_labels = None
depends_on = None

_COLUMNS = (
    "id, patient_id, channel, purpose, decision, decided_at, source, code, taken_by, mapped_from"
)
# Those that imports gave or took out, and that are no more
_HIGHEST = """
SELECT max(number) FROM (
    SELECT max(id) AS number FROM consent
    UNION ALL SELECT max(last_id) FROM import_added WHERE table_name = 'consent'
    UNION ALL SELECT max(row_id) FROM import_change WHERE table_name = 'consent'
) AS given
"""


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    highest = connection.scalar(sa.text(_HIGHEST)) or 0
    op.create_table(
        "consent_numbered",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=40), server_default="any", nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=20)),
        sa.Column("taken_by", sa.String(length=80)),
        sa.Column("mapped_from", sa.String(length=40)),
        sa.CheckConstraint(
            "decision IN ('opt_out', 'opt_in')", name=op.f("ck_consent_decision_known")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_consent_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sqlite_autoincrement=True,
    )
    op.execute(f"INSERT INTO consent_numbered ({_COLUMNS}) SELECT {_COLUMNS} FROM consent")  # noqa: S608  ours
    op.drop_table("consent")
    op.rename_table("consent_numbered", "consent")
    op.create_index("ix_consent_patient_id", "consent", ["patient_id"])
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'consent'")
    connection.execute(
        sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('consent', :seq)"),
        {"seq": highest},
    )


def downgrade() -> None:
    """Nothing: numbers that do not come again do no harm."""
