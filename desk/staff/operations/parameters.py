"""What each kind of operation must be told, as its form says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from clinic.change.export.export import FORMATS, WHAT
from clinic.change.kinds.attribute import ATTRIBUTE
from clinic.errors import OperationRefused
from clinic.practice.places import list_places
from clinic.practice.tag_catalogue import list_tags
from clinic.values.purposes import PURPOSES
from desk.web.visit import Visit


def said_of(visit: Visit, kind: str) -> dict[str, Any]:
    """
    The parameters of this kind, as clinic/change/kinds has them; what makes no sense is refused there.

    Raises:
        OperationRefused: a number is none, or two things are said at once
    """
    return _READS[kind](visit)


def choices(visit: Visit, kind: str) -> dict[str, Any]:
    """What can be chosen from in the form of this kind."""
    record, settings = visit.desk.parts.record, visit.desk.settings()
    if kind == "status":
        return {"statuses": settings.organisation.statuses}
    if kind == "tag":
        return {"tags": list_tags(record)}
    if kind == "attribute":
        return {"fields": ATTRIBUTE.fields}
    if kind == "export":
        return {"whats": WHAT, "formats": FORMATS, "purposes": tuple(PURPOSES)}
    return {
        "facilities": [each for each in list_places(record, "facility") if each.active],
        "providers": [each for each in list_places(record, "provider") if each.active],
    }


def several(visit: Visit, name: str) -> list[str]:
    """What was ticked."""
    return [each for each in visit.form.getlist(name) if isinstance(each, str) and each]


def _status(visit: Visit) -> dict[str, Any]:
    return {"to": visit.said("to")}


def _provider(visit: Visit) -> dict[str, Any]:
    return {
        "to": several(visit, "to"),
        "by": visit.said("by") or "even",
        "visits": visit.said("visits") or "reassign",
    }


def _facility(visit: Visit) -> dict[str, Any]:
    return {"to": visit.said("to"), "provider": visit.said("provider") or "keep"}


def _tag(visit: Visit) -> dict[str, Any]:
    return {"add": several(visit, "add"), "remove": several(visit, "remove")}


def _attribute(visit: Visit) -> dict[str, Any]:
    how = visit.said("what")
    if how not in ("value", "tidy", "clear"):
        raise OperationRefused("value-missing", "Choose what is written")
    return {
        "field": visit.said("field"),
        "to": visit.said("value") if how == "value" else None,
        "was": visit.said("was") or None,
        "tidy": how == "tidy",
    }


def _export(visit: Visit) -> dict[str, Any]:
    return {
        "what": visit.said("what"), "format": visit.said("format"), "purpose": visit.said("purpose"),
        "recipient": visit.said("recipient"), "encrypt_to": visit.said("encrypt_to").split(),
    }  # fmt: skip


def _visit(visit: Visit) -> dict[str, Any]:
    return {
        "type": visit.said("type"), "from": visit.said("from").strip(), "to": visit.said("to").strip(),
        "minutes": _number(visit, "minutes") or 15, "provider": visit.said("provider"),
        "between": visit.said("between").strip(), "per_day": _number(visit, "per_day"),
        "repeat": visit.said("repeat").strip(),
    }  # fmt: skip


def _number(visit: Visit, name: str) -> int | None:
    typed = visit.said(name).strip()
    if not typed:
        return None
    if not typed.isascii() or not typed.isdecimal() or len(typed) > 6:
        raise OperationRefused("visit-how", f"{name.replace('_', ' ')}: write a whole number")
    return int(typed)


_READS: Final[Mapping[str, Callable[[Visit], dict[str, Any]]]] = {
    "status": _status, "provider": _provider, "facility": _facility, "tag": _tag, "attribute": _attribute,
    "export": _export, "visit": _visit,
}  # fmt: skip
