"""Which part of the trail is asked for: by operation, campaign, operator, day; no patient is in an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from clinic.govern.audit_read.read import Asked, require_operator, require_subject
from clinic.govern.tied import require_all
from clinic.values.moments import first_after, first_of
from desk.web.theirs import require_theirs
from desk.web.visit import Visit

FIELDS: Final = ("operation", "campaign", "by", "since", "until")


@dataclass(frozen=True)
class Typed:
    """What was typed into the form, and which part of the trail that is; fault: what is wrong with it."""

    said: Mapping[str, str]
    asked: Asked
    fault: str = ""


class _Slip(ValueError):
    """What was typed makes no sense: in words for whoever typed it."""


def typed_of(visit: Visit, said: Mapping[str, str]) -> Typed:
    """
    Read it. Whoever is tied to facilities reads their own acts, and those of work that is theirs (NEW-38).

    Raises:
        NotAllowed: it is of the patients of all facilities, and they are tied to some
    """
    known = {name: said.get(name, "").strip() for name in FIELDS}
    try:
        asked = _asked(visit, known)
    except _Slip as slip:
        return Typed(known, Asked(operator=visit.person.name), str(slip))
    if asked.subject is not None and asked.subject_id is not None:
        require_theirs(visit, asked.subject, asked.subject_id)
    elif asked.operator != visit.person.name:
        with visit.desk.parts.record.read() as connection:
            require_all(connection, visit.person.name)
    return Typed(known, asked)


def _asked(visit: Visit, said: Mapping[str, str]) -> Asked:
    if said["operation"] and said["campaign"]:
        raise _Slip("Ask for an operation or for a bulk message, not for both")
    zone = ZoneInfo(visit.desk.settings().organisation.time_zone)
    since, until = _day(said["since"]), _day(said["until"])
    subject = next((name for name in ("operation", "campaign") if said[name]), None)
    number = _number(said[subject]) if subject else None
    with visit.desk.parts.record.read() as connection:
        if subject is not None and number is not None:
            require_subject(connection, subject, number)
        by = require_operator(connection, said["by"]) if said["by"] else None
    return Asked(
        subject=subject, subject_id=number, operator=by, since=first_of(since, zone) if since else None,
        until=first_after(until, zone) if until else None,
    )  # fmt: skip


def _number(typed: str) -> int:
    if not typed.isascii() or not typed.isdecimal() or len(typed) > 15:
        raise _Slip("Write a whole number")
    return int(typed)


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        raise _Slip("Write days as 2026-03-31") from None
