"""What each import added and changed, so that it can be put back; and by what a patient's row is known again."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime

revision = "0126"
down_revision = "0124"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_run",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("began_at", UtcDateTime, nullable=False),
        sa.Column("began_by", sa.String(length=80), nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("counts", sa.Text),
        sa.Column("undone_at", UtcDateTime),
        sa.Column("undone_by", sa.String(length=80)),
        sa.Column("more", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    op.create_table(
        "import_added",
        sa.Column("import_id", sa.Integer, nullable=False),
        sa.Column("table_name", sa.String(length=20), nullable=False),
        sa.Column("first_id", sa.BigInteger, nullable=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_run.id"], name=op.f("fk_import_added_import_id_import_run")
        ),
        sa.PrimaryKeyConstraint(
            "import_id", "table_name", "first_id", name=op.f("pk_import_added")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_change",
        sa.Column("import_id", sa.Integer, nullable=False),
        sa.Column("table_name", sa.String(length=20), nullable=False),
        sa.Column("row_id", sa.BigInteger, nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("patient_id", sa.BigInteger),
        sa.Column("old", sa.Text),
        sa.Column("new", sa.Text),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_run.id"], name=op.f("fk_import_change_import_id_import_run")
        ),
        sa.PrimaryKeyConstraint(
            "import_id", "table_name", "row_id", "field", name=op.f("pk_import_change")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_import_change_patient_id", "import_change", ["patient_id"])
    op.create_table(
        "patient_digest",
        sa.Column("patient_id", BigKey, nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_patient_digest_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("patient_id", "source", name=op.f("pk_patient_digest")),
    )


def downgrade() -> None:
    for table in ("patient_digest", "import_change", "import_added", "import_run"):
        op.drop_table(table)
