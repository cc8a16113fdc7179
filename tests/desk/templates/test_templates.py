"""Templates at the desk: list, show, make, edit, whom they are for, other languages."""

from __future__ import annotations

from typing import Any

import pytest

from clinic.message.audience.bounds import Coded
from clinic.message.needs.naming import NamedVariant, named_variants
from clinic.message.template.catalogue import get_versions, seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from tests.desk.visitors import Visitor
from tests.main_job import Practice

NEW: dict[str, Any] = {
    "key": "clinic-day", "name": "Clinic day", "message_type": "invitation", "purpose": "care", "subject": "",
    "body": "Dear {{ patient.given_name }},\r\ncome to {{ organisation.name }}.", "do": "keep",
}  # fmt: skip
EVIL = "<img src=x onerror=alert(1)>\"'>{# #}"


@pytest.fixture
def olwen(visitor: Visitor, practice: Practice) -> Visitor:
    """An operator, signed in; the program's own templates are there."""
    seed_catalogue(practice.record, practice.clock, TEMPLATES)
    visitor.sign_in("olwen")
    return visitor


def make(visitor: Visitor, **other: Any) -> Any:
    """A template, through the form."""
    return visitor.send("/templates/_new", NEW | other, seen_at="/templates/_new")


def test_a_template_is_made_and_edited_and_each_version_stays(
    olwen: Visitor, practice: Practice
) -> None:
    """ACX-9; ARC-2: a type and a purpose; a new version beside the old one, by whoever was signed in."""
    made = make(olwen)
    assert made.url.path == "/templates/clinic-day"
    assert "Dear Margaret,\ncome to" in made.text, "with sample values, line ends as written"
    form = {"version": "1", "body": "Changed.", "purpose": "recall", "subject": "", "do": "keep"}
    shown = olwen.send("/templates/clinic-day/edit", form, seen_at="/templates/clinic-day/edit")
    assert shown.url.path == "/templates/clinic-day"
    found = get_versions(practice.record, "clinic-day")
    assert [(one.version, one.body, one.purpose, one.created_by) for one in found] == [
        (2, "Changed.", "recall", "olwen"),
        (1, "Dear {{ patient.given_name }},\ncome to {{ organisation.name }}.", "care", "olwen"),
    ]
    assert found[0].message_type == "invitation"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"key": ""}, "Write a key"),
        ({"key": "Flu Invite"}, "lower-case letters"),
        ({"key": "plain"}, "There is a template plain already"),
        ({"body": " "}, "Write the message"),
        ({"body": "{{ patient.surname }}"}, "patient.surname"),
        ({"body": "{{ patient.given_name"}, "Line 1"),
        ({"purpose": ""}, "say what the template is for"),
        ({"purpose": "spam"}, "is one of"),
        ({"subject": "two\x07"}, "Write it on one line"),
    ],
)
def test_what_cannot_be_a_template_is_said_and_nothing_is_kept(
    olwen: Visitor, practice: Practice, changed: dict[str, Any], says: str
) -> None:
    """The form comes back with what was typed, the sentence above it, and no template."""
    before = len(get_versions(practice.record, "plain"))
    answer = make(olwen, **changed)
    assert answer.status_code == 422
    assert says in answer.text
    assert "<title>Error:" in " ".join(answer.text.split()).replace("> Error", ">Error")
    assert NEW["name"] in answer.text
    assert "/templates/clinic-day" not in olwen.see("/templates").text
    assert len(get_versions(practice.record, "plain")) == before


def test_a_preview_keeps_nothing_and_says_what_will_be_asked_about(olwen: Visitor) -> None:
    """What the content gate would find stands beside the text, before anybody sends it."""
    text = "Dear [Name], your cancer test result is positive. Call today, see bit.ly/abc"
    found = make(olwen, body=text, do="preview").text
    assert "Preview, with sample values" in found
    for says in ("to be filled", "hides where it leads", "seems to be about"):
        assert says in found, says
    harmless = make(olwen, body="Your flu vaccination is due.", do="preview").text
    assert "Nothing is found in these words" in harmless
    assert "/templates/clinic-day" not in olwen.see("/templates").text


def test_a_count_without_scripts_keeps_what_was_typed(olwen: Visitor) -> None:
    """PAT-13 with the form's own button."""
    answer = make(olwen, body="a" * 161, do="count")
    assert "2 text messages" in answer.text
    assert "a" * 161 in answer.text
    assert NEW["name"] in answer.text


def test_two_who_edit_at_once_do_not_overwrite_each_other(
    olwen: Visitor, practice: Practice
) -> None:
    """The later one is told, and keeps the text in the form."""
    make(olwen)
    practice.template("By somebody else.", key="clinic-day")
    form = NEW | {"version": "1", "body": "Mine."}
    answer = olwen.send("/templates/clinic-day/edit", form, seen_at="/templates/clinic-day/edit")
    assert answer.status_code == 422
    assert "nia made version 2 since you opened this page" in answer.text
    assert "Mine." in answer.text
    assert get_versions(practice.record, "clinic-day")[0].body == "By somebody else."


def test_the_list_is_found_through_by_words_purpose_and_class(
    olwen: Visitor, practice: Practice
) -> None:
    """PAT-11: search; ARC-2: by type; a locked one says so."""
    make(olwen)

    def keys(query: str) -> set[str]:
        text = olwen.see(f"/templates?{query}").text
        known = ("clinic-day", "smear-recall", "plain", "flu-invite")
        return {key for key in known if f'href="/templates/{key}"' in text}

    assert keys("") == {"clinic-day", "smear-recall", "plain", "flu-invite"}
    assert keys("q=clinic day") == {"clinic-day"}
    assert keys("purpose=recall") == {"smear-recall", "flu-invite"}
    assert keys("class=recall") == {"smear-recall"}
    assert keys("class=general&purpose=care") == {"clinic-day", "plain"}
    assert keys("q=%3Cscript%3E") == set()
    assert "Locked" in olwen.see("/templates/smear-recall").text


def test_a_locked_text_cannot_be_edited_and_whom_it_is_for_can_be_said(
    olwen: Visitor, practice: Practice
) -> None:
    """COM-3: the vendor's text stays; its bounds are the practice's."""
    assert "Edit " not in olwen.see("/templates/smear-recall").text
    form = {"version": "1", "body": "Other", "purpose": "recall", "do": "keep"}
    refused = olwen.send("/templates/smear-recall/edit", form, seen_at="/sessions")
    assert refused.status_code == 403
    assert "template-locked" in refused.text
    said = {
        "sex": "female", "age": "25-64", "classes": ["recall", "sensitive"],
        "not_if_coded": "86198006/6m\r\n", "exclude_codes": "17369002, 237364002/2y", "exclude_groups": "",
    }  # fmt: skip
    seen_at = "/templates/smear-recall/for"
    assert olwen.send(seen_at, said, seen_at=seen_at).url.path == "/templates/smear-recall"
    newest = get_versions(practice.record, "smear-recall")[0].audience
    assert newest.classes == ("sensitive", "recall")
    assert (newest.bounds.sex, newest.bounds.age_from, newest.bounds.age_to) == ("female", 25, 64)
    assert newest.bounds.not_if_coded == (Coded(("86198006",), "6m"),)
    assert newest.bounds.exclude_codes == (Coded(("17369002", "237364002"), "2y"),)
    none = {
        "sex": "any",
        "age": "any",
        "not_if_coded": "",
        "exclude_codes": "",
        "exclude_groups": "",
    }
    olwen.send(seen_at, none, seen_at=seen_at)
    assert get_versions(practice.record, "smear-recall")[0].audience.is_anybody
    wrong = olwen.send(seen_at, none | {"age": "64-24"}, seen_at=seen_at)
    assert wrong.status_code == 422
    assert "no range of ages" in wrong.text


def test_a_template_stands_in_for_another_in_a_language(olwen: Visitor, practice: Practice) -> None:
    """Whoever needs that language gets the other one."""
    at = "/templates/flu-invite/variant"
    form = {"other": "flu-gwahoddiad", "language": "Welsh", "form": ""}
    shown = olwen.send(at, form, seen_at=at)
    assert shown.url.path == "/templates/flu-invite"
    assert "Gwahoddiad" in shown.text
    (one,) = named_variants(practice.record, "flu-invite")
    assert one == NamedVariant("flu-gwahoddiad", "Gwahoddiad brechiad ffliw (Welsh)", "cy", "")
    for wrong, says in (
        (form | {"other": ""}, "Choose the template"),
        (form | {"language": " "}, "name both"),
        (form | {"form": "papyrus"}, "a format is one of"),
    ):
        answer = olwen.send(at, wrong, seen_at=at)
        assert answer.status_code == 422
        assert says in answer.text


def test_whoever_may_not_send_sees_no_way_to_change_a_template(
    visitor: Visitor, practice: Practice
) -> None:
    """ALC-44: an auditor and an admin have no templates at all; what is not there is not found."""
    for name in ("gwil", "ada"):
        visitor.sign_in(name)
        assert "Templates" not in visitor.see("/sessions").text
        for path in ("/templates", "/templates/plain", "/templates/plain/edit", "/templates/_new"):
            assert visitor.see(path).status_code == 404
    visitor.sign_in("olwen")
    assert visitor.see("/templates/no-such").status_code == 404
    assert visitor.see("/templates/%3Cscript%3E").status_code == 404


@pytest.mark.parametrize("field", ["name", "message_type", "subject", "body"])
def test_what_is_typed_is_never_markup(olwen: Visitor, field: str) -> None:
    """Stored and reflected: in the form, the list, the page and the versions."""
    text = EVIL.replace("{# #}", "") if field == "body" else EVIL
    for do in ("count", "preview", "keep"):
        assert "<img" not in make(olwen, **{field: text, "do": do}).text
    seen = [
        olwen.see(path).text
        for path in ("/templates", "/templates/clinic-day", "/templates/clinic-day/edit")
    ]
    assert "<img" not in "".join(seen)
    assert "&lt;img" in "".join(seen)
    at = "/templates/clinic-day/for"
    evil = {
        "sex": EVIL,
        "age": EVIL,
        "not_if_coded": EVIL,
        "exclude_codes": EVIL,
        "exclude_groups": EVIL,
    }
    assert "<img" not in olwen.send(at, evil, seen_at=at).text
    at = "/templates/clinic-day/variant"
    assert (
        "<img"
        not in olwen.send(at, {"other": "plain", "language": EVIL, "form": EVIL}, seen_at=at).text
    )
