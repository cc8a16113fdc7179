"""Tag assignment (ALC-5): give tags to the selected patients, or take them away."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.operation_kind import Items, Kind, Parameters, Plan, has_died, patient_items
from clinic.change.fields import has_tag
from clinic.cohort.filters import code_of
from clinic.errors import NotFound, OperationRefused
from clinic.record.schema.people import patient, tag
from clinic.settings import Settings


def require(connection: Connection, _settings: Settings, parameters: Parameters) -> Parameters:
    """
    `add` and `remove`: lists of tags' codes or names.

    Raises:
        OperationRefused: no tag is named, or one is to be given and taken away
        NotFound: there is no such tag
    """
    add, remove = (
        sorted({code_of(connection, tag, code) for code in parameters.get(name, ())})
        for name in ("add", "remove")
    )
    if not add and not remove:
        raise OperationRefused("tags-none", "name a tag to add or to remove")
    if both := set(add) & set(remove):
        raise OperationRefused("tags-both", f"to be added and removed: {', '.join(sorted(both))}")
    known = set(connection.execute(sa.select(tag.c.code)).scalars())
    if unknown := sorted({*add, *remove} - known):
        raise NotFound(
            "tag-unknown",
            f"there is no tag {', '.join(unknown)}; there are: {', '.join(sorted(known))}",
        )
    return {"add": add, "remove": remove}


def items(connection: Connection, plan: Plan) -> Iterator[Items]:
    """One item a patient and tag."""
    keys = {code: key for key, code in connection.execute(sa.select(tag.c.id, tag.c.code)).tuples()}
    for name, new in (("add", "1"), ("remove", "0")):
        for code in plan.parameters[name]:
            yield patient_items(
                plan,
                field="tag",
                subject=sa.literal(keys[code]),
                old=has_tag(patient.c.id, sa.literal(keys[code])),
                new=sa.literal(new),
                reasons=(has_died(),),
            )


TAG = Kind(
    name="tag",
    title="Tag assignment",
    flow="assign-tags",
    fields=("tag",),
    require=require,
    items=items,
)
