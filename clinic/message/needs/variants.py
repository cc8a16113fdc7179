"""The template in the language and form that a patient needs: which versions there are, and which one suits."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.schema.lists import template_variant, template_version
from clinic.record.schema.messages import campaign

NEEDS_INTERPRETER = "needs_interpreter"
NEEDS_FORMAT = "needs_format"


@dataclass(frozen=True)
class Variants:
    """
    What a campaign can say it in.

    base: the language of its own template; others: language and format → the version of that template
    """

    base: str
    others: Mapping[tuple[str, str], int]

    def spoken(self) -> Variants:
        """Those that the campaign's voice can read: of another language nobody would understand it."""
        own = {key: version for key, version in self.others.items() if key[0] == self.base}
        return Variants(self.base, own)


def variants_of(connection: Connection, campaign_id: int, usual: str) -> Variants:
    """
    Those of a campaign's template, each as it was when the campaign was made.

    usual: the language of templates that are nobody's variant
    """
    job = connection.execute(
        sa.select(template_version.c.template_id, campaign.c.created_at)
        .join(campaign, campaign.c.template_version_id == template_version.c.id)
        .where(campaign.c.id == campaign_id)
    ).one_or_none()
    if job is None:
        return Variants(usual, {})
    own = template_variant.c
    base = connection.scalar(
        sa.select(own.language).where(own.variant_id == job.template_id).limit(1)
    )
    return Variants(base or usual, _others(connection, job.template_id, job.created_at))


def _others(connection: Connection, template_id: int, at: datetime) -> dict[tuple[str, str], int]:
    own = template_variant.c
    rows = connection.execute(
        sa.select(own.language, own.format, sa.func.max(template_version.c.id))
        .join(template_version, template_version.c.template_id == own.variant_id)
        .where(own.template_id == template_id, template_version.c.created_at <= at)
        .group_by(own.language, own.format)
    )
    return {(language, form): version for language, form, version in rows.tuples()}


def suits(
    language: str, interpreter: bool | None, formats: Set[str], variants: Variants
) -> tuple[str, int | None]:
    """
    What becomes of a patient with these needs: the outcome that leads to a person, or "" and the version that
    suits (None: the campaign's own).

    Args:
        language: "": nobody said
        interpreter: whether one is needed for the practice's language; None: nobody said
        formats: those that the channel does not meet by itself
    """
    known = {variants.base, *(each for each, _ in variants.others)}
    if interpreter is False and language not in known:
        language = ""  # reads the practice's language well
    if (language and language not in known) or (interpreter and not language):
        return NEEDS_INTERPRETER, None
    language = language or variants.base
    if len(formats) > 1:
        return NEEDS_FORMAT, None
    form = next(iter(formats), "")
    if not form and language == variants.base:
        return "", None
    if (language, form) in variants.others:
        return "", variants.others[language, form]
    return (NEEDS_FORMAT if form else NEEDS_INTERPRETER), None
