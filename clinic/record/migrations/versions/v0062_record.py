"""
The whole record, as it was when this became the first migration.

It keeps the number of the last of those that it took the place of: a record at 0062 goes on unchanged, an
older one is brought to it by a program of before (docs/running.md, Upgrade).
"""

from clinic.record.migrations.first import (
    campaigns,
    governing,
    incoming,
    lists,
    messages,
    operations,
    people,
    triggers,
)

revision = "0062"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for part in (people, lists, campaigns, messages, incoming, operations, governing, triggers):
        part.create()


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
