"""What is refused in the run forms of the Prefect UI, and how a person is told what to fix."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prefect.utilities.callables import parameter_schema

from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.reminders.reminder_request import ReminderRequest
from flows.message import message
from flows.remind import remind
from tasks.guard.decorators import ParametersRefused

COHORT = {"list_id": 7}
REQUEST: dict[str, Any] = {"template": "flu-invite", "cohort": COHORT}


@pytest.mark.parametrize(
    ("flow", "changes", "fault"),
    [
        (message, {"cohort": {}}, "request.cohort: exactly_one_of_list_group_filter"),
        (message, {"cohort": COHORT | {"group": "SENTINEL"}}, "request.cohort: exactly_one_of"),
        (
            message,
            {"cohort": {"source": "w", "query": "SELECT SENTINEL"}},
            "request.cohort.query: string_pattern_mismatch",
        ),
        (message, {"cohort": {"query": "flu-due"}}, "request.cohort: query_of_a_source"),
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


def test_prefect_keeps_the_number_of_a_list_and_neither_its_name_nor_its_path() -> None:
    """NEW-39: "Marchbanks HIV result" says what its patients have; a form with such a field is refused."""
    named = CohortChoice(file="/srv/lists/Marchbanks HIV result.csv")
    request = MessageRequest(list_name="Marchbanks HIV result", template="x", cohort=named)
    kept = json.dumps(message.serialize_parameters({"request": request}))
    assert ("Marchbanks" in kept, "/srv" in kept) == (False, False)
    reminders = ReminderRequest(list_name="Marchbanks HIV result")
    assert "Marchbanks" not in json.dumps(remind.serialize_parameters({"request": reminders}))
    for flow in (message, remind):
        form = json.dumps(parameter_schema(flow).model_dump())
        assert ('"list_name"' in form, '"file"' in form) == (False, False)


@pytest.mark.parametrize(("flow", "given"), [(message, REQUEST), (remind, {})])
def test_a_run_is_named_by_its_kind_template_and_channel(flow: Any, given: dict[str, Any]) -> None:
    """No patient and no list in it: Prefect keeps a run's name in three tables."""
    parameters = flow.validate_parameters({"request": given})
    template = given.get("template", "appointment-reminder")
    assert flow.flow_run_name.format(**parameters) == f"{flow.name}-{template}-by-sms"
