"""Condition, MedicationRequest and MedicationStatement, AllergyIntolerance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clinic.sources.fhir.rows.parts import (
    NOBODY,
    NOT_KNOWN,
    Context,
    Reader,
    Resource,
    Row,
    code_of,
    coded,
    day,
    items,
    part,
    text,
    who,
    words,
)

# Of verificationStatus: it is not so, or was never meant
_NOT_SO: Final = frozenset({"refuted", "entered-in-error"})
_DIAGNOSES: Final = (
    "NHS Number", "Local ID", "Code", "Code System", "Term", "Onset Date", "End Date", "Status",
)  # fmt: skip
_MEDICATIONS: Final = (
    "NHS Number", "Local ID", "Code", "Code System", "Medication", "Dosage", "Start Date", "End Date", "Status",
)  # fmt: skip
_ALLERGIES: Final = (
    "NHS Number", "Local ID", "Code", "Code System", "Allergy", "Onset Date", "Status", "Criticality",
)  # fmt: skip


def _subject(resource: Resource) -> Sequence[Resource]:
    return [part(resource, "subject")]


def _patient(resource: Resource) -> Sequence[Resource]:
    return [part(resource, "patient")]


def _diagnosis(condition: Resource, context: Context) -> list[Row] | str:
    if (said := code_of(part(condition, "verificationStatus"))) in _NOT_SO:
        return said
    if (whose := who(part(condition, "subject"), context)) == NOBODY:
        return NOT_KNOWN
    concept = part(condition, "code")
    onset = day(condition, "onsetDateTime") or day(part(condition, "onsetPeriod"), "start")
    ended = day(condition, "abatementDateTime") or day(part(condition, "abatementPeriod"), "start")
    status = code_of(part(condition, "clinicalStatus"))
    return [
        (*whose, *coded(concept), words(concept), onset or day(condition, "recordedDate"), ended, status)
    ]  # fmt: skip


def _medication(resource: Resource, context: Context) -> list[Row] | str:
    status = text(resource, "status")
    if status in ("entered-in-error", "draft", "not-taken", "cancelled"):
        return status
    if (whose := who(part(resource, "subject"), context)) == NOBODY:
        return NOT_KNOWN
    concept = _drug(resource)
    period = part(resource, "effectivePeriod")
    name = (
        "dosage" if resource.get("resourceType") == "MedicationStatement" else "dosageInstruction"
    )
    dosage = "; ".join(filter(None, (text(each, "text") for each in items(resource, name))))
    began = day(period, "start") or day(resource, "authoredOn", "effectiveDateTime", "dateAsserted")
    return [
        (*whose, *coded(concept), words(concept), dosage, began, day(period, "end"), status)
    ]  # fmt: skip


def _drug(resource: Resource) -> Resource:
    """Its concept, its own or that of a Medication inside; else the words of the reference."""
    if concept := part(resource, "medicationCodeableConcept"):
        return concept
    reference = part(resource, "medicationReference")
    inner = text(reference, "reference").removeprefix("#")
    for each in items(resource, "contained"):
        if text(each, "id") == inner:
            return part(each, "code")
    return {"text": text(reference, "display")}


def _allergy(allergy: Resource, context: Context) -> list[Row] | str:
    if (said := code_of(part(allergy, "verificationStatus"))) in _NOT_SO:
        return said
    if (whose := who(part(allergy, "patient"), context)) == NOBODY:
        return NOT_KNOWN
    concept = part(allergy, "code")
    return [
        (
            *whose, *coded(concept), words(concept), day(allergy, "onsetDateTime", "recordedDate"),
            code_of(part(allergy, "clinicalStatus")), text(allergy, "criticality"),
        )
    ]  # fmt: skip


DIAGNOSES: Final = Reader(("Condition",), _DIAGNOSES, _diagnosis, _subject)
MEDICATIONS: Final = Reader(
    ("MedicationRequest", "MedicationStatement"), _MEDICATIONS, _medication, _subject
)
ALLERGIES: Final = Reader(("AllergyIntolerance",), _ALLERGIES, _allergy, _patient)
