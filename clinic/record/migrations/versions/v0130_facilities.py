"""People may be tied to facilities: who has no row works with the patients of all."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0130"
down_revision = "0128"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operator_facilities",
        sa.Column("operator", sa.String(length=80), nullable=False),
        sa.Column("codes", sa.Text(), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator"], ["operator.name"], name=op.f("fk_operator_facilities_operator_operator")
        ),
        sa.PrimaryKeyConstraint("operator", name=op.f("pk_operator_facilities")),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
