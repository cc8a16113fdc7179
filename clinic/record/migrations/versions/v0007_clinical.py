"""Diagnoses, medications, allergies, and the files that records were exported to."""

import sqlalchemy as sa
from alembic import op

from clinic.record.triggers import refuse_delete, refuse_update
from clinic.record.types import BigKey, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _clinical("diagnosis", sa.Column("onset", sa.Date()), sa.Column("ended", sa.Date()))
    _clinical(
        "medication",
        sa.Column("dosage", sa.Text()),
        sa.Column("started", sa.Date()),
        sa.Column("ended", sa.Date()),
    )
    _clinical(
        "allergy", sa.Column("onset", sa.Date()), sa.Column("criticality", sa.String(length=20))
    )
    op.create_table(
        "export_file",
        sa.Column("operation_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_export_file_operation_id")
        ),
        sa.PrimaryKeyConstraint("operation_id", name=op.f("pk_export_file")),
    )
    dialect = op.get_bind().dialect.name
    for statement in (
        *refuse_delete(dialect, "export_file"),
        *refuse_update(dialect, "export_file"),
    ):
        op.execute(statement)


def _clinical(name: str, *columns: sa.Column) -> None:  # type: ignore[type-arg]
    op.create_table(
        name,
        sa.Column("id", BigKey, nullable=False),
        sa.Column("patient_id", BigKey, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=True),
        sa.Column("system", sa.String(length=80), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f(f"fk_{name}_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(f"ix_{name}_patient_id", name, ["patient_id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
