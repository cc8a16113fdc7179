"""One version of a template: the one that is asked for, or its newest."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from clinic.record.schema.lists import template, template_version


def select_version(key: str, version: int | None, *columns: ColumnElement[Any]) -> sa.Select[Any]:
    """These columns of a template and of one of its versions; `version` None: the newest."""
    query = (
        sa.select(*columns)
        .select_from(template_version)
        .join(template, template.c.id == template_version.c.template_id)
        .where(template.c.key == key)
        .order_by(template_version.c.version.desc())
        .limit(1)
    )
    return query if version is None else query.where(template_version.c.version == version)
