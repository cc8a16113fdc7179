"""What a form offers is put in and taken out again without a trace, in fields that have such values alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from prefect.utilities.callables import parameter_schema

from clinic.clock import Clock
from clinic.message.intake.choices import MOST, choices_of
from clinic.message.template.catalogue import add_own_text, seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.record.database import Record
from clinic.record.schema.people import facility, patient_group
from clinic.settings import Settings
from flows.message import message
from flows.remind import remind
from tasks.forms.choices import with_choices, without_choices

CHOICES = {
    "template": ["flu-invite", "flu-second"],
    "group": ["flu-65"],
    "status": ["active", "on_hold"],
}


def form_of(flow: Any) -> dict[str, Any]:
    form: dict[str, Any] = json.loads(
        json.dumps(parameter_schema(flow).model_dump(mode="json", exclude_unset=True))
    )
    return form


@pytest.mark.parametrize("flow", [message, remind])
def test_a_form_with_choices_is_the_form_again_without_them(flow: Any) -> None:
    """So that what a template was added to is no difference of version."""
    form = form_of(flow)
    chosen = with_choices(form, CHOICES)
    assert chosen != form
    assert without_choices(chosen) == form
    assert with_choices(chosen, CHOICES) == chosen
    assert without_choices(form) == form


def test_template_group_and_status_are_chosen_and_the_rest_is_typed() -> None:
    """Issue 17: a choice may stay empty where the field may; a facility that nobody entered is typed."""
    definitions = with_choices(form_of(message), CHOICES)["definitions"]
    template = definitions["MessageRequest"]["properties"]["template"]
    assert (template["type"], template["enum"]) == ("string", CHOICES["template"])
    assert "cohort server start" in template["description"]
    cohort = definitions["CohortChoice"]["properties"]
    assert cohort["group"]["anyOf"] == [{"type": "string", "enum": ["flu-65"]}, {"type": "null"}]
    assert cohort["status"]["anyOf"][0]["enum"] == CHOICES["status"]
    assert cohort["facility"]["anyOf"] == [{"type": "string"}, {"type": "null"}]


def test_what_a_form_begins_with_can_always_be_chosen() -> None:
    """The reminders' template, also where a practice has others alone."""
    reminder = with_choices(form_of(remind), {"template": ["other"]})["definitions"]
    offered = reminder["ReminderRequest"]["properties"]["template"]["enum"]
    assert offered == ["appointment-reminder", "other"]


def test_offered_is_what_the_record_has_by_key_and_no_text_of_one_campaign(
    record: Record, clock: Clock, tmp_path: Path
) -> None:
    """Names of groups are people's own words: codes alone. Too many are left out, and typed."""
    settings = Settings(home=tmp_path)
    assert choices_of(record, settings) == {"status": ["active", "discharged", "on_hold"]}
    seed_catalogue(record, clock, TEMPLATES)
    own = add_own_text(record, clock, "Come in.", by="nia", purpose="care")
    with record.write() as connection:
        connection.execute(patient_group.insert().values(code="flu-65", name="Flu, 65 and over"))
        connection.execute(
            facility.insert(),
            [
                {"code": "F1", "name": "Main", "active": True},
                {"code": "F2", "name": "Shut", "active": False},
            ],
        )
    found = choices_of(record, settings)
    assert (found["group"], found["facility"]) == (["flu-65"], ["F1"])
    assert "flu-invite" in found["template"]
    assert own not in found["template"]
    with record.write() as connection:
        many = [{"code": f"G{n}", "name": "Many"} for n in range(MOST)]
        connection.execute(patient_group.insert(), many)
    assert "group" not in choices_of(record, settings)
