"""
Consents are read once more, all of them, so that each source has its own of an opt-out that several say.

What another source had noted was passed over as known, and went with it when that one withdrew it.
"""

from alembic import op

revision = "0146"
down_revision = "0145"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM patient_digest WHERE source LIKE 'consents/%'")
    op.execute("UPDATE sync_run SET asked = NULL WHERE kind = 'consents'")


def downgrade() -> None:
    """Nothing: what was read again is as it is."""
