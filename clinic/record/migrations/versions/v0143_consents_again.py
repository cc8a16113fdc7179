"""
Consents are read again, all of them: one that has an end lifts nothing, and a denial of FHIR R5 is an opt-out.

What rows said before stays noted as known, and a server is asked for changes alone: a consent that ended long
ago would never come again.
"""

from alembic import op

revision = "0143"
down_revision = "0142"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM patient_digest WHERE source LIKE 'consents/%'")
    op.execute("UPDATE sync_run SET asked = NULL WHERE kind = 'consents'")


def downgrade() -> None:
    """Nothing: what was read again is as it is."""
