"""A patient's decision as a FHIR R4 Consent, and an act of the audit trail as an AuditEvent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from clinic.fhir.codes import ACT_CODE, CONSENT_SCOPE, DICOM, LOINC, SNOMED, concept

# formats.md [A11]: how general practice codes the same, of texts alone
_SMS_CODES: Final = {"opt_in": "699237001", "opt_out": "513631000000106"}
_PRIVACY_CONSENT: Final = "59284-0"  # "Consent document", the category that R4's own examples have
_ACTIVITY: Final = (
    "110100"  # "Application Activity": R4's own "rest" is of requests to a FHIR server
)
_SENDS: Final = "urn:ietf:rfc:3986"


def consent_identifier(consent_id: int) -> str:
    """The value of our identifier of a decision."""
    return f"consent-{consent_id}"


def consent_resource(row: Mapping[str, Any], system: str, patient: str) -> dict[str, Any]:
    """
    One decision, with its day: of several for one channel and purpose the latest counts, as here.

    In R4 the root of `provision` may have no type: the policy is what holds, and a rule below says of what.
    Nothing of who took it and how goes out but the day; the words "sms, any" are in that rule's code.
    """
    denies = row["decision"] == "opt_out"
    what: dict[str, Any] = {"text": f"messages by {row['channel']}, purpose {row['purpose']}"}
    if row["channel"] == "sms" and row["purpose"] == "any":
        what["coding"] = [{"system": SNOMED, "code": _SMS_CODES[row["decision"]]}]
    return {
        "resourceType": "Consent",
        "identifier": [{"system": system, "value": consent_identifier(row["id"])}],
        "status": "active",
        "scope": concept(CONSENT_SCOPE, "patient-privacy"),
        "category": [concept(LOINC, _PRIVACY_CONSENT)],
        "patient": {"reference": patient},
        "dateTime": row["decided_at"].isoformat(timespec="seconds"),
        "policyRule": concept(ACT_CODE, "OPTOUT" if denies else "OPTIN"),
        "provision": {"provision": [{"type": "deny" if denies else "permit", "code": [what]}]},
    }


def audit_event_id(system: str, stream: str, number: int) -> str:
    """The id that an act has there: always the same, since an AuditEvent has no identifier to search for."""
    return str(uuid.uuid5(uuid.UUID(system.removeprefix("urn:uuid:")), f"act {stream} {number}"))


def audit_event(row: Mapping[str, Any], system: str) -> dict[str, Any]:
    """Who did what to what and when, as the trail has it: keys and counts; no reason, no value."""
    subject = row["subject"] + ("" if row["subject_id"] is None else f" {row['subject_id']}")
    agents = [{"name": row["operator"], "requestor": True}]
    if row["approver"]:
        agents.append({"name": row["approver"], "requestor": False})
    return {
        "resourceType": "AuditEvent",
        "id": audit_event_id(system, row["stream"], row["number"]),
        "type": {"system": DICOM, "code": _ACTIVITY},
        "subtype": [{"system": system, "code": row["operation_type"]}],
        "action": "E",
        "recorded": row["timestamp"].isoformat(timespec="seconds"),
        "outcome": "0" if row["outcome"] == "done" else "4",
        "outcomeDesc": row["outcome"],
        "agent": agents,
        "source": {"observer": {"identifier": {"system": _SENDS, "value": system}}},
        "entity": [
            {
                "name": subject,
                "detail": [
                    {"type": "patients affected", "valueString": str(row["patients_affected"])}
                ],
            }
        ],
    }
