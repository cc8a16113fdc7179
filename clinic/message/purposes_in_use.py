"""How many templates have each purpose, and what was mapped from words of before the list (NEW-40)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.lists import template, template_purpose, template_version
from clinic.record.schema.people import consent
from clinic.values.purposes import KNOWN

_DECISIONS: Final = "decisions of patients"


@dataclass(frozen=True)
class Mapped:
    """
    A word that became a purpose. what: a template by its key, or "decisions of patients"; count: of those

    became: None: the word says nothing, and nobody is left out by it until somebody notes what was meant
    """

    what: str
    word: str
    became: str | None
    count: int


def count_templates(record: Record) -> dict[str, int]:
    """Purpose → templates whose newest version has it; texts written for one campaign apart."""
    later = template_version.alias()
    newest = ~sa.exists().where(
        later.c.template_id == template.c.id, later.c.version > template_version.c.version
    )
    query = (
        sa.select(template_purpose.c.purpose, sa.func.count())
        .join(template_version, template_version.c.id == template_purpose.c.template_version_id)
        .join(template, template.c.id == template_version.c.template_id)
        .where(newest, template.c.message_type.not_in(["own text", "previewed text"]))
        .group_by(template_purpose.c.purpose)
    )
    with record.read() as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query)}


def what_was_mapped(record: Record) -> list[Mapped]:
    """Templates and decisions whose purpose was free text, and what became of each word."""
    own, said = template_purpose.c, consent.c
    templates = (
        sa.select(template.c.key, own.mapped_from, own.purpose, sa.func.count())
        .join(template_version, template_version.c.template_id == template.c.id)
        .join(template_purpose, own.template_version_id == template_version.c.id)
        .where(own.mapped_from.is_not(None))
        .group_by(template.c.key, own.mapped_from, own.purpose)
        .order_by(template.c.key)
    )
    decisions = (
        sa.select(said.mapped_from, said.purpose, sa.func.count())
        .where(said.mapped_from.is_not(None) | said.purpose.not_in(KNOWN))
        .group_by(said.mapped_from, said.purpose)
        .order_by(said.mapped_from, said.purpose)
    )
    with record.read() as connection:
        found = [Mapped(*row) for row in connection.execute(templates).tuples()]
        for word, purpose, count in connection.execute(decisions).tuples():
            found.append(Mapped(_DECISIONS, word or purpose, purpose if word else None, int(count)))
    return found
