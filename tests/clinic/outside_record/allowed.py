"""Which codes R4 has: no library here checks the bindings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from clinic.fhir.codes import (
    ACT_CODE,
    CATEGORY,
    CONSENT_SCOPE,
    DICOM,
    LOINC,
    MEDIUM,
    NOT_DONE,
)

# Value sets with a required binding, and code systems whose codes we use
ALLOWED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "Communication.status": frozenset(
            "preparation in-progress not-done on-hold stopped completed entered-in-error unknown".split()
        ),
        "Consent.status": frozenset(
            "draft proposed active rejected inactive entered-in-error".split()
        ),
        "Consent.provision.type": frozenset({"deny", "permit"}),
        "AuditEvent.action": frozenset("CRUDE"),
        "AuditEvent.outcome": frozenset({"0", "4", "8", "12"}),
        # Of larger code systems those that we use, as R4 or its own examples have them
        ACT_CODE: frozenset({"OPTIN", "OPTOUT"}),
        CONSENT_SCOPE: frozenset({"adr", "research", "patient-privacy", "treatment"}),
        LOINC: frozenset({"59284-0"}),
        DICOM: frozenset({"110100"}),
        CATEGORY: frozenset({"alert", "notification", "reminder", "instruction"}),
        NOT_DONE: frozenset(
            "unknown system-error invalid-phone-number recipient-unavailable family-objection "
            "patient-objection".split()
        ),
        MEDIUM: frozenset(
            "ELECTRONIC VERBAL WRITTEN DICTATE FACE PHONE VIDEOCONF FAXWRIT HANDWRIT MAILWRIT ONLINEWRIT "
            "EMAILWRIT TYPEWRIT".split()
        ),
    }
)
