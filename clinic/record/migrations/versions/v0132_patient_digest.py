"""The rows of a source that say what they said last time are found by their digest."""

from alembic import op

revision = "0132"
down_revision = "0130"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_patient_digest_digest", "patient_digest", ["digest"])


def downgrade() -> None:
    op.drop_index("ix_patient_digest_digest", "patient_digest")
