"""The catalogue: versions are never changed, the vendor's templates are never edited."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from clinic.errors import NotAllowed, NotFound, TemplateRefused
from clinic.message.template.catalogue import (
    NewTemplate,
    add_own_text,
    add_template,
    get_versions,
    list_templates,
    seed_catalogue,
)
from clinic.message.template.placeholders import placeholders_in
from clinic.message.template.template import compile_template
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.record.database import Record
from tests.fakes import FakeClock

FLU = NewTemplate("flu", "Flu", "invitation", "Dear {{ patient.given_name }}, come.")


def test_a_new_text_is_a_new_version_and_the_old_one_stays(
    record: Record, clock: FakeClock
) -> None:
    """ARC-2, ACX-9: templates have a type, are made and edited here, and keep what was sent."""
    assert add_template(record, clock, FLU, by="nia") == 1
    edited = dataclasses.replace(FLU, body="Dear {{ patient.given_name }}, come soon.")
    assert add_template(record, clock, edited, by="nia") == 2
    newest, first = get_versions(record, "flu")
    assert (newest.version, first.body) == (2, FLU.body)
    assert (newest.message_type, newest.created_by) == ("invitation", "nia")


def test_the_same_text_again_is_the_same_version(record: Record, clock: FakeClock) -> None:
    assert [add_template(record, clock, FLU, by="nia") for _ in range(3)] == [1, 1, 1]


def test_the_vendors_reminder_cannot_be_edited(record: Record, clock: FakeClock) -> None:
    """COM-2, COM-3: it comes with the program, and its text stays."""
    seed_catalogue(record, clock, TEMPLATES)
    ours = NewTemplate("appointment-reminder", "x", "reminder", "Come, or else.")
    with pytest.raises(NotAllowed, match="template-locked"):
        add_template(record, clock, ours, by="nia")
    assert len(get_versions(record, "appointment-reminder")) == 1


def test_seeding_again_changes_nothing_and_a_new_text_of_the_vendor_is_a_version(
    record: Record, clock: FakeClock
) -> None:
    for _ in range(2):
        seed_catalogue(record, clock, TEMPLATES)
    assert {text.version for text in list_templates(record)} == {1}
    changed = dataclasses.replace(TEMPLATES[3], body="Reminder: {{ appointment.date }}.")
    seed_catalogue(record, clock, [changed])
    assert get_versions(record, changed.key)[0].version == 2


def test_templates_are_searched_by_key_name_or_type(record: Record, clock: FakeClock) -> None:
    """PAT-11: search and select a template."""
    seed_catalogue(record, clock, TEMPLATES)
    assert [t.key for t in list_templates(record, search="REMINDER")] == ["appointment-reminder"]
    assert list_templates(record, search="100%") == []
    assert len(list_templates(record)) == len(TEMPLATES)


def test_own_text_is_kept_once_and_not_listed_unless_asked(
    record: Record, clock: FakeClock
) -> None:
    """PAT-10, ACX-9: own text is allowed, a template is optional."""
    keys = {
        add_own_text(record, clock, "Closed on Monday.", by="nia", purpose="care") for _ in range(2)
    }
    (key,) = keys
    assert get_versions(record, key)[0].body == "Closed on Monday."
    assert list_templates(record) == []
    assert [text.key for text in list_templates(record, own=True)] == [key]


def test_variables_of_body_and_subject_are_kept(record: Record, clock: FakeClock) -> None:
    new = dataclasses.replace(FLU, subject="{{ organisation.name }}: {{ list.Clinic }}")
    add_template(record, clock, new, by="nia")
    (text,) = get_versions(record, "flu")
    assert set(text.variables) == {"patient.given_name", "organisation.name", "list.Clinic"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": "Flu 2026"}, "template-key"),
        ({"body": "{{ patient.password }}"}, "template-variable"),
        ({"body": "{% for x in y %}{% endfor %}"}, "template-not-allowed"),
        ({"body": "  "}, "template-empty"),
        ({"subject": "{{ 7 * 7 }}"}, "template-not-allowed"),
    ],
)
def test_what_is_not_fit_is_refused(
    sqlite_record: Record, clock: FakeClock, changes: dict[str, str], code: str
) -> None:
    with pytest.raises(TemplateRefused) as error:
        add_template(sqlite_record, clock, dataclasses.replace(FLU, **changes), by="nia")
    assert error.value.code == code
    assert list_templates(sqlite_record, own=True) == []


def test_an_unknown_template_is_told_with_the_command_that_lists_them(
    sqlite_record: Record,
) -> None:
    with pytest.raises(NotFound, match="cohort templates list"):
        get_versions(sqlite_record, "nothing")


@pytest.mark.parametrize(
    "subject", ["Two\nlines", "a\r\nBcc: x@example.org", "tab\tbed", "bell\x07"]
)
def test_a_subject_is_one_line(record: Record, clock: FakeClock, subject: str) -> None:
    """NEW-2: refused once, where it is typed."""
    with pytest.raises(TemplateRefused, match="template-subject"):
        add_own_text(record, clock, "Come.", by="nia", purpose="care", subject=subject)


@pytest.mark.parametrize("day", [date(2027, 1, 1), date(2026, 12, 14), date(2028, 2, 29)])
@pytest.mark.parametrize("new", TEMPLATES, ids=lambda new: new.key)
def test_a_shipped_text_reads_as_a_sentence_on_every_date(new: NewTemplate, day: date) -> None:
    """COM-3: whoever is told of a visit is told weekday and date, and nothing is left to be filled."""
    values = {
        "patient.given_name": "Siân", "organisation.name": "Bryn Surgery", "list.Clinic": "flu clinic",
        "appointment.when": f"{day:%A} {day.day} {day:%B}", "appointment.time": "09:05",
        "appointment.place": "Bryn Surgery",
    }  # fmt: skip
    for text in filter(None, (new.body, new.subject)):
        (shown,) = compile_template(text, allowed=frozenset(values)).render([values])
        assert placeholders_in(text) == []
        assert "  " not in shown
        assert shown == shown.strip(" ")
        if "appointment.time" in text:
            assert f"on {day:%A} {day.day} {day:%B} at 09:05, Bryn Surgery." in shown
