"""What is there already of what an earlier try may have made: not every server keeps If-None-Exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from clinic.fhir.client import FhirClient
from clinic.fhir.search import search
from clinic.outside_record.communication import message_identifier
from clinic.outside_record.others import consent_identifier
from clinic.outside_record.patients import identifiers_of
from clinic.outside_record.problems import SEVERAL, Problem
from clinic.outside_record.waiting import Item

TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"message": "Communication", "consent": "Consent", "act": "AuditEvent"}
)


def value_of(item: Item) -> str:
    """The value of our identifier of a message or a decision."""
    is_message = item.kind == "message"
    return message_identifier(item.item_id) if is_message else consent_identifier(item.item_id)


def look_for(client: FhirClient, system: str, items: Sequence[Item]) -> list[Item]:
    """
    Those of these messages and decisions that are there, as they stand now.

    Raises:
        NoAnswer, SearchRefused: the other side did not say
    """
    values = {value_of(item): item for item in items}
    ids: dict[int, set[str]] = {}
    for kind in sorted({item.kind for item in items}):
        names = [f"{system}|{value}" for value, one in values.items() if one.kind == kind]
        query = {"identifier": ",".join(names), "_count": str(2 * len(names))}
        for found in search(client, TYPES[kind], query):
            for value in identifiers_of(found, system) & values.keys():
                ids.setdefault(values[value].id, set()).add(str(found.get("id") or ""))
    return [_there(item, ids[item.id]) for item in items if item.id in ids]


def _there(item: Item, ids: set[str]) -> Item:
    if len(ids) > 1:
        return item.refused(Problem(SEVERAL))
    found = ids.pop()
    return item.there(found) if item.kind == "message" else item.saved(found, "")
