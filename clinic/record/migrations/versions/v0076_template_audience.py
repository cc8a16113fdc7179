"""For what kind of message and for whom a template's version is."""

import sqlalchemy as sa
from alembic import op

revision = "0076"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "template_audience",
        sa.Column("template_version_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("classes", sa.String(length=60), server_default="", nullable=False),
        sa.Column("bounds", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["template_version_id"],
            ["template_version.id"],
            name=op.f("fk_template_audience_template_version_id"),
        ),
        sa.PrimaryKeyConstraint("template_version_id", name=op.f("pk_template_audience")),
    )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
