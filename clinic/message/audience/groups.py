"""Groups of patients that templates leave out: which there are not yet, and which must not be deleted."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.audience.bounds import Bounds
from clinic.record.schema.lists import template, template_audience, template_version
from clinic.record.schema.people import patient_group


def missing_groups(connection: Connection, bounds: Bounds) -> list[str]:
    """Those of the bounds that nobody has made: they leave nobody out."""
    known = sa.select(patient_group.c.code).where(patient_group.c.code.in_(bounds.exclude_groups))
    made = set(connection.scalars(known))
    return [code for code in bounds.exclude_groups if code not in made]


def templates_without(connection: Connection, group: str) -> list[str]:
    """The keys of the templates whose newest version leaves the members of this group out."""
    later = template_version.alias()
    newest = ~sa.exists().where(
        later.c.template_id == template.c.id, later.c.version > template_version.c.version
    )
    rows = connection.execute(
        sa.select(template.c.key, template_audience.c.bounds)
        .join(template_version, template_version.c.template_id == template.c.id)
        .join(template_audience, template_audience.c.template_version_id == template_version.c.id)
        .where(newest, template_audience.c.bounds.contains("exclude_groups"))
        .order_by(template.c.key)
    )
    return [row.key for row in rows if group in Bounds.from_json(row.bounds).exclude_groups]
