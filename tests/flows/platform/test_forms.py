"""What is refused in the run forms of the Prefect UI, and how a person is told what to fix."""

from __future__ import annotations

from typing import Any

import pytest

from flows.message import message
from flows.remind import remind
from tasks.guard.decorators import ParametersRefused

COHORT = {"file": "/srv/lists/flu.csv"}
REQUEST: dict[str, Any] = {"list_name": "Flu", "template": "flu-invite", "cohort": COHORT}


@pytest.mark.parametrize(
    ("flow", "changes", "fault"),
    [
        (message, {"cohort": {}}, "request.cohort: exactly_one_of_file_list_group_filter"),
        (message, {"cohort": COHORT | {"group": "SENTINEL"}}, "request.cohort: exactly_one_of"),
        (message, {"template": "SENTINEL text"}, "request.template: string_pattern_mismatch"),
        (message, {"request_key": "preview-SENTINEL"}, "request.request_key: key_of_a_preview"),
        (message, {"stagger_days": 0}, "request.stagger_days: greater_than_equal"),
        (
            remind,
            {"first_date": "2026-03-03", "last_date": "2026-03-02"},
            "request: first_date_after_last_date",
        ),
    ],
)
def test_a_refused_form_names_the_field_and_the_fault_and_repeats_nothing(
    flow: Any, changes: dict[str, Any], fault: str
) -> None:
    request = (REQUEST if flow is message else {}) | changes
    with pytest.raises(ParametersRefused) as refused:
        flow.validate_parameters({"request": request})
    assert fault in str(refused.value)
    assert "SENTINEL" not in str(refused.value)


@pytest.mark.parametrize(("flow", "given"), [(message, REQUEST), (remind, {})])
def test_a_run_is_named_by_its_kind_template_and_channel(flow: Any, given: dict[str, Any]) -> None:
    """No patient and no list in it: Prefect keeps a run's name in three tables."""
    parameters = flow.validate_parameters({"request": given})
    template = given.get("template", "appointment-reminder")
    assert flow.flow_run_name.format(**parameters) == f"{flow.name}-{template}-by-sms"
