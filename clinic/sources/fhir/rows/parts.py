"""Parts that resources are made of: concepts, references, periods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from clinic.settings.systems.outside_record import NHS_NUMBER_SYSTEM
from clinic.sources.fhir.people import Who

Resource = Mapping[str, Any]
Row = tuple[str, ...]
NOBODY: Final[Who] = ("", "")
NOT_KNOWN: Final = "patient is not known there"
SNOMED: Final = "http://snomed.info/sct"


@dataclass
class Context:
    """
    What a resource is read with.

    whose: id of a Patient → who it is; roles: id of a Practitioner → facility and speciality
    left_out: what was no row, by reason
    """

    own_system: str
    today: date
    whose: Mapping[str, Who] = field(default_factory=dict)
    roles: dict[str, tuple[str, str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Reader:
    """
    How resources of some types become rows.

    types: in the order in which they are fetched; columns: headings of docs/data.md
    about: the references to patients in one
    read: its rows, or why it has none
    gone: what becomes of one that the server deleted, by its id; None: it is counted
    bulk: an export of patients holds them; what is not of patients is searched for
    """

    types: Sequence[str]
    columns: Sequence[str]
    read: Callable[[Resource, Context], list[Row] | str]
    about: Callable[[Resource], Sequence[Resource]] = lambda resource: ()
    gone: Callable[[str], Row] | None = None
    bulk: bool = True


def items(resource: Resource, name: str) -> Iterator[Resource]:
    """The objects of a list, whatever else is in it."""
    found = resource.get(name)
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict):
            yield each


def part(resource: Resource, name: str) -> Resource:
    """An object inside; empty where there is none."""
    found = resource.get(name)
    return found if isinstance(found, dict) else {}


def text(resource: Resource, name: str) -> str:
    """A text, a number or a truth value as text; "" where there is none."""
    found = resource.get(name)
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found).strip() if isinstance(found, str | int) else ""


def texts(resource: Resource, name: str) -> list[str]:
    """The texts of a list."""
    found = resource.get(name)
    return [str(each).strip() for each in found] if isinstance(found, list) else []


def words(concept: Resource) -> str:
    """What a CodeableConcept says to people."""
    shown = (text(each, "display") for each in items(concept, "coding"))
    return text(concept, "text") or next(filter(None, shown), "")


def coded(concept: Resource) -> tuple[str, str]:
    """Its code and system, SNOMED CT before others."""
    codings = [each for each in items(concept, "coding") if text(each, "code")]
    found = next((each for each in codings if text(each, "system") == SNOMED), None)
    best = found or next(iter(codings), {})
    return text(best, "code"), text(best, "system")


def code_of(concept: Resource) -> str:
    """The first code."""
    return next((text(each, "code") for each in items(concept, "coding") if text(each, "code")), "")


def referred(reference: Resource, kind: str) -> str:
    """The id that a reference to a resource of this kind names; "" where it is of another kind or inside."""
    pieces = text(reference, "reference").split("/_history/")[0].rstrip("/").split("/")
    return pieces[-1] if len(pieces) >= 2 and pieces[-2] == kind else ""


def who(reference: Resource, context: Context) -> Who:
    """Whom a reference to a Patient means; NOBODY where nobody can tell."""
    named = part(reference, "identifier")
    if text(named, "system") == NHS_NUMBER_SYSTEM and text(named, "value"):
        return text(named, "value"), ""
    return context.whose.get(referred(reference, "Patient"), NOBODY)


def day(resource: Resource, *names: str) -> str:
    """The day that the first of these fields says, as it is written there: no time zone moves it."""
    return next((text(resource, name)[:10] for name in names if text(resource, name)), "")


def is_over(resource: Resource, today: date) -> bool:
    """Whether its period has ended."""
    end = day(part(resource, "period"), "end")
    return len(end) == 10 and end < today.isoformat()
