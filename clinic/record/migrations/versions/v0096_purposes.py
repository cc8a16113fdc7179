"""
Purposes are of a closed list: each version's stands beside it, and a decision's says who was told it.

What was free text is mapped, and what it was stays beside it: cohort purposes mapped. A word of patients'
decisions that says nothing goes the way of the templates that have it; where none has, it stays as it is and is
named there, for a person to decide.
"""

import sqlalchemy as sa
from alembic import op

revision = "0096"
down_revision = "0094"
branch_labels = None
depends_on = None

# What came with the program: what a word says of it would be less than is known
_VENDOR = {"flu-invite": "recall", "flu-gwahoddiad": "recall"}
# As on the day of this migration: clinic/values/purposes.py may change
_MEANT = {
    "care": "care,health promotion,medication,clinical,invitation",
    "administration": "administration,appointment,appointments,reminder,reminders,notice,notices,admin,closure",
    "recall": "recall,recalls,review,reviews,screening,vaccination,vaccinations,immunisation,immunisations",
    "feedback": "feedback,survey,surveys,fft,friends and family,questionnaire",
    "research": "research,study,studies,trial",
    "marketing": "marketing,newsletter,newsletters,news,promotion,promotions,offers,fundraising,charity",
    "test_results": "test results,results",
}


def upgrade() -> None:
    op.create_table(
        "template_purpose",
        sa.Column("template_version_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("mapped_from", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["template_version_id"],
            ["template_version.id"],
            name=op.f("fk_template_purpose_template_version_id_template_version"),
        ),
        sa.PrimaryKeyConstraint("template_version_id", name=op.f("pk_template_purpose")),
    )
    op.add_column("consent", sa.Column("taken_by", sa.String(length=80), nullable=True))
    op.add_column("consent", sa.Column("mapped_from", sa.String(length=40), nullable=True))
    _map_decisions(_map_templates())


def _listed(word: str) -> str | None:
    plain = word.strip().lower().replace("_", " ")
    return next((to for to, words in _MEANT.items() if plain in words.split(",")), None)


def _map_templates() -> dict[str, set[str]]:
    """Word → what the templates that had it are for now."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT v.id, t.key, t.purpose, t.message_type FROM template_version v "
            "JOIN template t ON t.id = v.template_id"
        )
    ).all()
    meanings: dict[str, set[str]] = {}
    made = []
    for row in rows:
        if row.purpose.startswith("staff "):  # notices to staff, which have their own two
            continue
        purpose = (
            _VENDOR.get(row.key) or _listed(row.purpose) or _listed(row.message_type) or "care"
        )
        meanings.setdefault(row.purpose, set()).add(purpose)
        was = None if purpose == row.purpose else row.purpose
        made.append({"key": row.id, "purpose": purpose, "was": was})
    if made:
        connection.execute(
            sa.text(
                "INSERT INTO template_purpose (template_version_id, purpose, mapped_from) "
                "VALUES (:key, :purpose, :was)"
            ),
            made,
        )
    return meanings


def _map_decisions(meanings: dict[str, set[str]]) -> None:
    connection = op.get_bind()
    words = connection.scalars(sa.text("SELECT DISTINCT purpose FROM consent")).all()
    for word in words:
        known = _listed(word)
        if known is None and len(meanings.get(word, ())) == 1:
            (known,) = meanings[word]
        if word != "any" and known is not None and known != word:
            connection.execute(
                sa.text(
                    "UPDATE consent SET mapped_from = purpose, purpose = :new WHERE purpose = :old"
                ),
                {"new": known, "old": word},
            )


def downgrade() -> None:
    raise NotImplementedError("a record is restored from a backup, not migrated back")
