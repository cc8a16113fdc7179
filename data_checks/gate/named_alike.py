"""
Whether a list and its template are called after the same (NEW-28): the right list, the wrong template.

Only a clear disagreement is found, and a person who knows better answers for it with a reason; nothing is said
of names that agree or say nothing.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.rows import FALLBACK
from clinic.message.audience.topics import clash_of
from clinic.message.campaign.campaign import Campaign
from clinic.message.template.catalogue import OWN_TEXT
from clinic.record.schema.lists import cohort_list, template, template_version
from data_checks.gate.verdict import Check

CODE: Final = "template_unlike_list"


def named_alike(connection: Connection, job: Campaign) -> Check | None:
    """The disagreement, which stops the list until somebody accepts it; None where there is none."""
    used = connection.execute(
        sa.select(template.c.key, template.c.name, template_version.c.body, cohort_list.c.source)
        .join(template_version, template_version.c.template_id == template.c.id)
        .join(cohort_list, cohort_list.c.id == job.list_id)
        .where(
            template_version.c.id == job.template_version_id, template.c.message_type != OWN_TEXT
        )
    ).one_or_none()
    # What is sent again was asked about when it was first sent
    if used is None or used.source in ("resend", FALLBACK):
        return None
    clash = clash_of(job.list_name, f"{used.key} {used.name}", used.body)
    if clash is None:
        return None
    return Check(
        CODE,
        f"The list is called after {' and '.join(clash.of_list)}, the template {used.key} after "
        f"{' and '.join(clash.of_template)}. Choose the other template or list.",
        "critical",
        False,
    )
