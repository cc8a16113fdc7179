"""What these pages share: what is left out for whoever is tied to facilities, and the trail's end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from clinic.govern.audit.anchor import anchor_of
from clinic.govern.audit.trail import write_anchor
from clinic.govern.people.operators import list_operators
from clinic.values.text import counted
from desk.web.visit import Visit

T = TypeVar("T")
K = TypeVar("K")


def theirs(
    visit: Visit,
    found: Sequence[T],
    by: Callable[[T], K],
    kept: Callable[[Connection, str, Collection[K]], Collection[K]],
) -> list[T]:
    """
    Of many, what is of patients of whoever looks (NEW-38); how many others there are is nobody's to know here.

    Args:
        by: of a row, what tells whose it is
        kept: of clinic/govern/tied.py
    """
    with visit.desk.parts.record.read() as connection:
        others = kept(connection, visit.person.name, [by(each) for each in found])
    return [each for each in found if by(each) not in others]


def acted(visit: Visit) -> None:
    """Something was done that a person answers for: how long the trail is now is noted outside the record."""
    write_anchor(visit.desk.parts.record, anchor_of(visit.desk.settings()))


def people(visit: Visit, *, without: str = "") -> list[dict[str, Any]]:
    """Who works here and may be given work, to choose from."""
    return [
        {"value": each.name, "text": each.name}
        for each in list_operators(visit.desk.parts.record)
        if each.active and each.name != without
    ]


def age(since: timedelta) -> str:
    """How long ago, in the largest unit of which there is one."""
    minutes = max(0, int(since.total_seconds()) // 60)
    if minutes >= 24 * 60:
        return counted(minutes // (24 * 60), "day")
    return counted(minutes // 60, "hour") if minutes >= 60 else counted(minutes, "minute")
