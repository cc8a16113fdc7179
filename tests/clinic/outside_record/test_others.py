"""NEW-15: decisions and acts as FHIR R4 defines Consent and AuditEvent: what must be there, and its codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from clinic.fhir.codes import SNOMED
from clinic.outside_record.others import audit_event, audit_event_id, consent_resource
from tests.clinic.outside_record.allowed import ALLOWED

SYSTEM = "urn:uuid:7d4ac8a6-0a43-4a53-8d2c-7f8b8c1d2e3f"
SUMMER = timezone(timedelta(hours=1))
AT = datetime(2026, 7, 1, 9, 30, 5, 123456, tzinfo=SUMMER)
CONSENT = {"id": 12, "channel": "sms", "purpose": "any", "decision": "opt_out", "decided_at": AT}
ACT = {
    "stream": "main", "number": 7, "operator": "nia", "approver": None, "operation_type": "campaign.requested",
    "subject": "campaign", "subject_id": 3, "patients_affected": 40, "timestamp": AT, "outcome": "done",
}  # fmt: skip
# R4: minimum 1, or asked for by an invariant (ppc-1: a policy or a policyRule; sev-1: a name or a query)
REQUIRED = {
    "Consent": ("status", "scope", "category", "patient", "policyRule"),
    "AuditEvent": ("type", "recorded", "agent", "source", "entity"),
}
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"


def codings(part: Any) -> Iterator[tuple[str, str]]:
    """Every coding in it, however deep."""
    if isinstance(part, dict):
        if isinstance(part.get("system"), str) and isinstance(part.get("code"), str):
            yield part["system"], part["code"]
        for inner in part.values():
            yield from codings(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from codings(inner)


def made() -> list[dict[str, Any]]:
    consents = [
        consent_resource(CONSENT | changed, SYSTEM, "Patient/1")
        for changed in ({}, {"decision": "opt_in"}, {"channel": "any"}, {"purpose": "recall"})
    ]
    acts = [
        audit_event(ACT | changed, SYSTEM)
        for changed in ({}, {"approver": "mia"}, {"outcome": "refused"}, {"subject_id": None})
    ]
    return [*consents, *acts]


@pytest.mark.parametrize("found", made(), ids=lambda found: found["resourceType"])
def test_what_r4_asks_for_is_there_and_every_code_is_one(found: dict[str, Any]) -> None:
    for name in REQUIRED[found["resourceType"]]:
        assert found[name], name
    for system, code in codings(found):
        assert system in (SYSTEM, SNOMED) or code in ALLOWED[system], (system, code)
        assert re.fullmatch(r"[^\s]+(\s[^\s]+)*", code)
    at = found["dateTime"] if found["resourceType"] == "Consent" else found["recorded"]
    assert re.fullmatch(INSTANT, at), "with seconds and a time zone"
    assert datetime.fromisoformat(at) == AT.replace(microsecond=0)


def rule(found: dict[str, Any]) -> dict[str, Any]:
    """R4: no type in the root rule, "not permitted in root rule, required in all nested rules"."""
    assert found["provision"].keys() == {"provision"}
    (only,) = found["provision"]["provision"]
    return dict(only)


def test_a_decision_is_of_its_patient_and_says_no_by_rule_and_provision() -> None:
    no, yes = (
        consent_resource(CONSENT | {"decision": decision}, SYSTEM, "Patient/1")
        for decision in ("opt_out", "opt_in")
    )
    assert no["patient"] == {"reference": "Patient/1"}
    assert no["identifier"] == [{"system": SYSTEM, "value": "consent-12"}]
    rules = [(one["policyRule"]["coding"][0]["code"], rule(one)["type"]) for one in (no, yes)]
    assert rules == [("OPTOUT", "deny"), ("OPTIN", "permit")]
    assert {one["status"] for one in (no, yes)} <= ALLOWED["Consent.status"]
    codes = [rule(one)["code"][0]["coding"][0]["code"] for one in (no, yes)]
    assert codes == ["513631000000106", "699237001"]
    other = consent_resource(CONSENT | {"channel": "email"}, SYSTEM, "Patient/1")
    assert "coding" not in rule(other)["code"][0], "those codes are of texts alone"


def test_an_act_has_one_who_asked_an_outcome_and_always_the_same_id() -> None:
    found = audit_event(ACT | {"approver": "mia", "outcome": "refused"}, SYSTEM)
    assert [one["requestor"] for one in found["agent"]] == [True, False]
    assert (found["action"], found["outcome"]) == ("E", "4")
    assert found["action"] in ALLOWED["AuditEvent.action"]
    assert {"0", "4"} <= ALLOWED["AuditEvent.outcome"]
    assert found["source"]["observer"]["identifier"]["value"] == SYSTEM
    assert all(detail["valueString"] for detail in found["entity"][0]["detail"])
    assert found["id"] == audit_event_id(SYSTEM, "main", 7) == audit_event(ACT, SYSTEM)["id"]
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", found["id"])
    assert found["id"] != audit_event_id(SYSTEM, "other", 7)
