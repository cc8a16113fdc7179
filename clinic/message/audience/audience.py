"""A template version's classes and bounds, as they are kept beside its text and never changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.audience.bounds import Bounds
from clinic.message.audience.classes import GENERAL
from clinic.record.schema.lists import template_audience


@dataclass(frozen=True)
class Audience:
    """For what kind of message and for whom a template is."""

    classes: tuple[str, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)

    @property
    def is_anybody(self) -> bool:
        """Whether nothing was said of it: a general template, for everybody."""
        return not self.classes and self.bounds == Bounds()

    def says(self) -> str:
        """In a line, for people."""
        classes = " and ".join(self.classes) or GENERAL
        return "; ".join([classes, *(self.bounds.says() or ["for everybody"])])

    def written(self) -> str:
        """What a version's digest covers besides its text; nothing of a general one for everybody."""
        return "" if self.is_anybody else f"{' '.join(self.classes)}\0{self.bounds.to_json() or ''}"


ANYBODY = Audience()


def keep_audience(connection: Connection, version_id: int, audience: Audience) -> bool:
    """Keep it beside its new version; whether there is anything to be kept."""
    if audience.is_anybody:
        return False
    connection.execute(
        sa.insert(template_audience).values(
            template_version_id=version_id,
            classes=" ".join(audience.classes),
            bounds=audience.bounds.to_json(),
        )
    )
    return True


def audience_from(classes: str | None, bounds: str | None) -> Audience:
    """Of the two columns; both empty where nothing was kept."""
    return Audience(tuple((classes or "").split()), Bounds.from_json(bounds))


_OF_VERSION: Final = sa.select(template_audience.c.classes, template_audience.c.bounds).where(
    template_audience.c.template_version_id == sa.bindparam("this_version")
)


def audience_of(connection: Connection, version_id: int) -> Audience:
    """Of a template's version."""
    row = connection.execute(_OF_VERSION, {"this_version": version_id}).one_or_none()
    return audience_from(row.classes, row.bounds) if row else ANYBODY
