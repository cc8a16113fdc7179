"""
The fields of a patient that operations change, as the FHIR Patient there has them (NEW-18).

    status      Patient.active, and the status itself as an extension of ours
    provider    the general practitioner whose identifier is of our system; others stay
    facility    an extension of ours: managingOrganization is the practice, and stays
    tag         an extension of ours for each tag

What there is of these is compared with what it was here: where it is neither that nor what it is to become,
somebody there decided otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

FIELDS: Final = ("status", "provider", "facility", "tag")


@dataclass(frozen=True)
class Change:
    """One field of one patient: codes, not keys. subject: the tag's code; old, new of a tag: "1" or "0"."""

    field: str
    subject: str
    old: str | None
    new: str | None

    def back(self) -> Change:
        """The same the other way round."""
        return Change(self.field, self.subject, self.new, self.old)


def differs(there: Mapping[str, Any], changes: Sequence[Change], system: str) -> bool:
    """Whether the patient there has something else than what it was here, or is to become."""
    for change in changes:
        has = _value(there, change, system)
        if has is not None and change.field != "tag" and has not in (change.old, change.new):
            return True
    return False


def is_so(
    there: Mapping[str, Any], changes: Sequence[Change], system: str, inactive: Collection[str]
) -> bool:
    """Whether nothing is to be changed there."""
    return changed(there, changes, system, inactive) == there


def changed(
    there: Mapping[str, Any], changes: Sequence[Change], system: str, inactive: Collection[str]
) -> dict[str, Any]:
    """The patient there with these changes; all else as it is."""
    made = dict(there)
    for change in changes:
        if change.field == "provider":
            _set_list(made, "generalPractitioner", *_with_provider(made, change, system))
            continue
        if change.field == "status":
            made["active"] = change.new not in inactive
        kept = [one for one in _listed(made, "extension") if not _is_ours(one, change, system)]
        _set_list(made, "extension", kept, _extension(change, system))
    return made


def _value(there: Mapping[str, Any], change: Change, system: str) -> str | None:
    if change.field == "provider":
        own = [one for one in _listed(there, "generalPractitioner") if _is_of(one, system)]
        return str(own[0]["identifier"].get("value")) if own else None
    own = [one for one in _listed(there, "extension") if _is_ours(one, change, system)]
    return str(own[0].get("valueCode")) if own else None


def _extension(change: Change, system: str) -> list[dict[str, Any]]:
    value = change.subject if change.field == "tag" else change.new
    if value is None or (change.field == "tag" and change.new == "0"):
        return []
    return [{"url": f"{system}#{change.field}", "valueCode": value}]


def _is_ours(extension: Mapping[str, Any], change: Change, system: str) -> bool:
    same = extension.get("url") == f"{system}#{change.field}"
    return same and (change.field != "tag" or extension.get("valueCode") == change.subject)


def _with_provider(
    made: Mapping[str, Any], change: Change, system: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    kept = [one for one in _listed(made, "generalPractitioner") if not _is_of(one, system)]
    if change.new is None:
        return kept, []
    identifier = {"system": f"{system}#provider", "value": change.new}
    return kept, [{"identifier": identifier}]


def _is_of(reference: Mapping[str, Any], system: str) -> bool:
    identifier = reference.get("identifier")
    return isinstance(identifier, dict) and identifier.get("system") == f"{system}#provider"


def _listed(there: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = there.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _set_list(
    made: dict[str, Any], name: str, kept: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    if kept or new:
        made[name] = [*kept, *new]
    else:
        made.pop(name, None)
