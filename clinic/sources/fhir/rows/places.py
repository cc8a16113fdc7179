"""Location and Organization, Practitioner and PractitionerRole, Group: what patients are put to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clinic.sources.fhir.rows.parts import (
    NOBODY,
    Context,
    Reader,
    Resource,
    Row,
    day,
    items,
    part,
    referred,
    text,
    texts,
    who,
    words,
)


def _telecom(resource: Resource, system: str) -> str:
    return next(
        (
            text(each, "value")
            for each in items(resource, "telecom")
            if text(each, "system") == system and text(each, "use") != "old"
        ),
        "",
    )


def _facility(place: Resource, _: Context) -> list[Row] | str:
    if text(place, "mode") == "kind":
        return "a kind of place"
    closed = place.get("active") is False or text(place, "status") == "inactive"
    return [
        (
            text(place, "id"), text(place, "name"), _telecom(place, "phone"), _telecom(place, "email"),
            "no" if closed else "yes",
        )
    ]  # fmt: skip


def _provider(resource: Resource, context: Context) -> list[Row] | str:
    if resource.get("resourceType") == "PractitionerRole":
        whose = referred(part(resource, "practitioner"), "Practitioner")
        if resource.get("active") is False or not whose:
            return "role that is over, or of nobody"
        place = next((referred(each, "Location") for each in items(resource, "location")), "")
        speciality = next((words(each) for each in items(resource, "specialty")), "")
        place = place or referred(part(resource, "organization"), "Organization")
        context.roles.setdefault(whose, (place, speciality))
        return []
    name = next(items(resource, "name"), {})
    first, title = (next(iter(texts(name, each)), "") for each in ("given", "prefix"))
    key = text(resource, "id")
    facility, speciality = context.roles.get(key, ("", ""))
    whole = text(name, "text") or " ".join(filter(None, (title, first, text(name, "family"))))
    active = "no" if resource.get("active") is False else "yes"
    return [(key, whole, _telecom(resource, "email"), speciality, facility, active)]


def _members(group: Resource) -> Sequence[Resource]:
    return [part(each, "entity") for each in items(group, "member")]


def _group(group: Resource, context: Context) -> list[Row] | str:
    if text(group, "type") != "person" or group.get("actual") is not True:
        return "not a group of persons"
    if group.get("active") is False:
        return "out of use"
    rows: list[Row] = []
    for member in items(group, "member"):
        whose = who(part(member, "entity"), context)
        ended = day(part(member, "period"), "end")
        if member.get("inactive") is True and not ended:
            ended = context.today.isoformat()
        if whose == NOBODY:
            context.left_out["member is not known there"] += 1
            continue
        rows.append((text(group, "id"), text(group, "name"), *whose, ended))
    return rows


FACILITIES: Final = Reader(
    ("Location", "Organization"),
    ("Facility Code", "Facility Name", "Phone Number", "Email", "Active"),
    _facility,
    bulk=False,
)
PROVIDERS: Final = Reader(
    ("PractitionerRole", "Practitioner"),
    ("Provider Code", "Provider Name", "Email", "Speciality", "Default Facility Code", "Active"),
    _provider,
    bulk=False,
)
GROUPS: Final = Reader(
    ("Group",),
    ("Group Code", "Group Name", "NHS Number", "Local ID", "Date Removed"),
    _group,
    _members,
    bulk=False,
)
