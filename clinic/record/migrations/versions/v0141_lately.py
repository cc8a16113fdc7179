"""A patient's messages in the order of their ids, so that what they had lately is found without the rest."""

from alembic import op

revision = "0141"
down_revision = "0140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_message_patient_id", table_name="message")
    op.create_index("ix_message_patient_id", "message", ["patient_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_message_patient_id", table_name="message")
    op.create_index("ix_message_patient_id", "message", ["patient_id"])
