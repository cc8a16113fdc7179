"""
Auditors and services are roles; when each person was last here; a second step at sign-in.

Whoever is there counts as having been here today: nobody is dormant by the upgrade.
"""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import UtcDateTime

revision = "0114"
down_revision = "0112"
branch_labels = None
depends_on = None

_ROLES = "role IN ('operator', 'team_lead', 'manager', 'auditor', 'admin', 'service')"


def upgrade() -> None:
    _roles()
    op.create_table(
        "operator_use",
        sa.Column("operator", sa.String(length=80), nullable=False),
        sa.Column("signed_in_at", UtcDateTime(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("operator", name=op.f("pk_operator_use")),
    )
    op.create_table(
        "operator_mfa",
        sa.Column("operator", sa.String(length=80), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("last_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["operator"], ["operator.name"], name=op.f("fk_operator_mfa_operator_operator")
        ),
        sa.PrimaryKeyConstraint("operator", name=op.f("pk_operator_mfa")),
    )
    op.execute(
        "INSERT INTO operator_use (operator, used_at) SELECT name, CURRENT_TIMESTAMP FROM operator"
    )


def _roles() -> None:
    """SQLite makes the table anew, while nothing refers to it."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_operator_role_known"), "operator")
        op.create_check_constraint(op.f("ck_operator_role_known"), "operator", _ROLES)
        return
    clinician = sa.Table("clinician", sa.MetaData(), autoload_with=connection)
    rows = [dict(row) for row in connection.execute(sa.select(clinician)).mappings()]
    connection.execute(clinician.delete())
    triggers = connection.scalars(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'operator'")
    ).all()
    with op.batch_alter_table("operator", recreate="always") as table:
        table.drop_constraint(op.f("ck_operator_role_known"), type_="check")
        table.create_check_constraint(op.f("ck_operator_role_known"), _ROLES)
    if rows:
        connection.execute(clinician.insert(), rows)
    for trigger in triggers:  # they went with the old table
        connection.execute(sa.text(trigger))


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
