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


@pytest.mark.parametrize(
    ("flow", "changes", "how"),
    [
        (
            message,
            {"cohort": {}},
            "name exactly one of: a file, a list, a group, a query, or a filter",
        ),
        (message, {"template": "Dear SENTINEL"}, "cohort templates list has them all"),
        (
            message,
            {"channel": "SENTINEL"},
            "Input should be 'sms', 'email' or 'voice'. By text message,",
        ),
        (
            message,
            {"more": {"per_hour": 0}},
            "should be greater than or equal to 1. At most so many",
        ),
        (message, {"more": {"SENTINEL": 1}}, "Extra inputs are not permitted"),
        (message, {"more": {"per_hour": 5}, "per_hour": 5}, "leave one out"),
        (message, {"start_at": "SENTINEL"}, "Empty: at once, within working hours"),
        (remind, {"days": "SENTINEL"}, "should be a valid integer"),
    ],
)
def test_a_refused_form_says_how_to_fix_it_and_repeats_nothing(
    flow: Any, changes: dict[str, Any], how: str
) -> None:
    request = (REQUEST if flow is message else {}) | changes
    with pytest.raises(ParametersRefused) as refused:
        flow.validate_parameters({"request": request})
    assert how in str(refused.value)
    assert "SENTINEL" not in str(refused.value)


@pytest.mark.parametrize(
    ("flow", "model", "shown"),
    [
        (message, MessageRequest, ["cohort", "template", "channel", "dry_run", "start_at", "more"]),
        (
            remind, ReminderRequest,
            ["days", "provider", "facility", "template", "channel", "dry_run", "more"],
        ),
    ],
)  # fmt: skip
def test_what_is_rarely_needed_is_in_one_group_and_everything_is_described(
    flow: Any, model: Any, shown: list[str]
) -> None:
    """A newcomer fills in the first few fields; each says what it is for, most have a default."""
    form = parameter_schema(flow).model_dump()["definitions"][model.__name__]
    assert list(form["properties"]) == shown
    more = form["properties"]["more"]["properties"]
    hidden = {"list_name", "override_gate", "accept"}  # people's own words (decision 0045)
    assert set(more) | set(shown) - {"more"} == set(model.model_fields) - hidden
    assert set(form.get("required", ())) <= {"cohort", "template"}
    assert [
        name for name, one in (form["properties"] | more).items() if not one.get("description")
    ] == []


def test_a_request_is_handed_on_as_the_form_has_it_and_comes_back_whole() -> None:
    """As a run is started for a campaign that waits: the server checks it against the form."""
    request = MessageRequest(
        cohort=CohortChoice(list_id=7), template="flu", per_hour=9, dry_run=True
    )
    given = request.as_parameter()
    assert given == {
        "cohort": {"list_id": 7}, "template": "flu", "dry_run": True, "more": {"per_hour": 9},
    }  # fmt: skip
    assert message.validate_parameters({"request": given})["request"] == request
    plain = MessageRequest(cohort=CohortChoice(list_id=7), template="flu")
    assert plain.as_parameter() == {"cohort": {"list_id": 7}, "template": "flu"}


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
