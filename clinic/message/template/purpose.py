"""What a template's version is for, as it is kept beside its text and never changed (NEW-40)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.errors import TemplateRefused
from clinic.message.purposes import ALERT, NOTICE
from clinic.record.schema.lists import template, template_purpose
from clinic.values.purposes import PURPOSES, purpose_in

# Joined to its version; a version of before there was the table has what its template says
SAID: ColumnElement[str] = sa.func.coalesce(template_purpose.c.purpose, template.c.purpose)


def checked(purpose: str) -> str:
    """
    One of the closed list, or what notices to staff are for.

    Raises:
        CohortRefused: it is none
    """
    return purpose if purpose in (NOTICE, ALERT) else purpose_in(purpose)


def typed_purpose(typed: str | None, of: str) -> str:
    """
    What was typed after --purpose; `of`: for what it is needed.

    Raises:
        TemplateRefused: nothing was
        CohortRefused: it is none of the list
    """
    if typed is None:
        raise TemplateRefused(
            "purpose-missing",
            f"say what {of} is for: --purpose {'|'.join(PURPOSES)}. What each means, and who objects to what: "
            "cohort purposes",
        )
    return purpose_in(typed)


def keep_purpose(connection: Connection, version_id: int, purpose: str) -> None:
    """Keep it beside its new version."""
    connection.execute(
        sa.insert(template_purpose).values(template_version_id=version_id, purpose=purpose)
    )
