"""Says which template is another one in a further language or format, with the act on the trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock
from clinic.errors import NotFound, TemplateRefused
from clinic.govern.audit.trail import Act, record_act
from clinic.message.needs.words import FORMAT_NAMES, formats_of, language_of
from clinic.record.database import Record
from clinic.record.schema.lists import template, template_variant


@dataclass(frozen=True)
class NamedVariant:
    """A template that stands in for another. form: "" where it is the language alone"""

    key: str
    name: str
    language: str
    form: str


def named_variants(record: Record, of: str) -> list[NamedVariant]:
    """The templates that stand in for the template `of`, by language and format."""
    base, own = template.alias(), template_variant.c
    query = (
        sa.select(template.c.key, template.c.name, own.language, own.format)
        .join(template_variant, own.variant_id == template.c.id)
        .join(base, base.c.id == own.template_id)
        .where(base.c.key == of)
        .order_by(own.language, own.format)
    )
    with record.read() as connection:
        return [NamedVariant(*row) for row in connection.execute(query).tuples()]


def name_variant(
    record: Record, clock: Clock, key: str, *, of: str, language: str, form: str = "", by: str
) -> tuple[str, str]:
    """
    Let the template `key` stand in for `of` where a patient needs this language and format; as they are kept.

    Raises:
        NotFound: there is no such template
        TemplateRefused: it is the template itself, or there is no such format
    """
    said = language_of(language)
    formats = formats_of(form)
    if len(formats) > 1 or formats == ("other",):
        raise TemplateRefused(
            "template-format", f"a format is one of: {', '.join(FORMAT_NAMES[:-1])}; found {form}"
        )
    kept = formats[0] if formats else ""
    with record.write() as connection:
        base, variant = _id(connection, of), _id(connection, key)
        if base == variant or not said:
            raise TemplateRefused(
                "template-variant",
                "another template says the same in another language or format: name both",
            )
        insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(
            template_variant
        )
        values = {"variant_id": variant, "set_at": clock.now(), "set_by": by}
        keys = {"template_id": base, "language": said, "format": kept}
        connection.execute(
            insert.values(**keys, **values).on_conflict_do_update(
                index_elements=list(keys), set_=values
            )
        )
        act = Act(
            operator=by, operation_type="template.variant", subject="template", subject_id=base,
            new_values={"variant": key, "language": said, "format": kept},
        )  # fmt: skip
        record_act(connection, clock, act)
    return said, kept


def _id(connection: Connection, key: str) -> int:
    found = connection.scalar(sa.select(template.c.id).where(template.c.key == key))
    if found is None:
        raise NotFound(
            "template-unknown", f"there is no template {key}; see: cohort templates list"
        )
    return int(found)
