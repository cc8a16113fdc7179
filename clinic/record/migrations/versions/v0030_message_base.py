"""A campaign draws where its messages' ids begin, so that no restored record hands a gateway an old one."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("campaign") as table:
        table.add_column(sa.Column("message_base", sa.BigInteger(), nullable=True))
    # Those that there are keep the ids that their messages have
    op.execute("UPDATE campaign SET message_base = CAST(id AS BIGINT) * 16777216")
    with op.batch_alter_table("campaign") as table:
        table.alter_column("message_base", existing_type=sa.BigInteger(), nullable=False)
        table.create_unique_constraint("uq_campaign_message_base", ["message_base"])
    # Shorter: a message's id has up to 19 digits now, and the columns hold 30 characters
    for name in ("recipient", "message", "address_decision"):
        short = sa.func.replace(sa.column("evidence"), "unsubscribe ", "by_link ")
        named = sa.table(name, sa.column("evidence"))
        op.execute(
            sa.update(named).where(named.c.evidence.like("unsubscribe %")).values(evidence=short)
        )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
