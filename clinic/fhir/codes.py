"""The code systems that our resources use."""

from __future__ import annotations

from typing import Final

TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
SNOMED: Final = "http://snomed.info/sct"
CATEGORY: Final = f"{TERMINOLOGY}/communication-category"
NOT_DONE: Final = f"{TERMINOLOGY}/communication-not-done-reason"
MEDIUM: Final = f"{TERMINOLOGY}/v3-ParticipationMode"
ACT_CODE: Final = f"{TERMINOLOGY}/v3-ActCode"
CONSENT_SCOPE: Final = f"{TERMINOLOGY}/consentscope"
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
LOINC: Final = "http://loinc.org"


def concept(system: str, code: str) -> dict[str, object]:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code}]}
