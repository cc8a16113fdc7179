"""What a form offers to choose from: keys of templates and groups, statuses and facilities, as they are now."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from clinic.message.template.catalogue import list_templates
from clinic.record.database import Record
from clinic.record.schema.people import facility, patient_group
from clinic.settings import Settings

MOST: Final = (
    300  # nobody looks through more, and a server keeps them with each form: they are typed then
)


def choices_of(record: Record, settings: Settings) -> dict[str, list[str]]:
    """By the name of the form's field: keys and codes alone. One that has none, or too many, is left out."""
    with record.read() as connection:
        groups = connection.scalars(sa.select(patient_group.c.code)).all()
        places = connection.scalars(sa.select(facility.c.code).where(facility.c.active)).all()
    found = {
        "template": {each.key for each in list_templates(record)},
        "group": set(groups),
        "facility": set(places),
        "status": set(settings.organisation.statuses),
    }
    return {name: sorted(values) for name, values in found.items() if 0 < len(values) <= MOST}
