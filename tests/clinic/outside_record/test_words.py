"""What is kept and shown of a server's refusal: codes and elements of FHIR, never words of its own (NEW-35)."""

from __future__ import annotations

from typing import Any

import pytest

from clinic.fhir.bundle import outcome_says

PATIENT = "Ottoline"


@pytest.mark.parametrize(
    ("issue", "says"),
    [
        ({"code": "invalid", "expression": ["Communication.subject"]}, "invalid Communication.subject"),
        ({"code": "value", "location": ["Bundle.entry[12].link"]}, "value Bundle.entry[12].link"),
        ({"code": "not-found", "diagnostics": f"no {PATIENT}"}, "not-found"),
        ({"code": "invalid", "details": {"text": PATIENT, "coding": [{"code": PATIENT}]}}, "invalid"),
        ({"code": PATIENT}, ""),
        ({"code": f"unknown-{PATIENT}", "expression": [PATIENT]}, ""),
        ({"code": "value", "expression": [f"Patient.name.{PATIENT}"]}, "value"),
        ({"code": "value", "expression": [f"Patient.name[{PATIENT}]"]}, "value"),
        ({"code": "value", "expression": [f"Patient.name.where(family='{PATIENT}')"]}, "value"),
        ({"code": "value", "location": ["Patient.identifier[9990000018]"]}, "value"),
        ({"code": {"text": PATIENT}, "expression": [{"x": PATIENT}]}, ""),
        ({"code": "value", "expression": ["Patient" + ".name" * 40]}, "value"),
    ],
)  # fmt: skip
def test_only_what_fhir_itself_says_is_kept_of_a_refusal(issue: dict[str, Any], says: str) -> None:
    """A wrong server may put a name anywhere: also where a code or a path should stand."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", **issue}]}
    assert outcome_says(outcome) == says
