"""Templates say what they may and no more; values stay text; one row gives one message."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.errors import TemplateRefused
from clinic.message.template.inert import DATE_FORMATS
from clinic.message.template.template import (
    LONGEST_BODY,
    compile_template,
    missing_variables,
    values_too_long,
)

ALLOWED = frozenset({
    "patient.given_name", "patient.family_name", "patient.title", "patient._secret", "p.delete",
    "appointment.date", "appointment.time", "organisation.name", "list.Clinic_name", "nickname",
})  # fmt: skip

ATTACKS = [
    ("{{ ''.__class__.__mro__ }}", "walk to every class"),
    ("{{ ''|attr('__class__') }}", "by filter"),
    ("{{ ('{0.__class__}').format(p) }}", "by format string"),
    ("{{ ''|attr('format') }}", "to the method"),
    ("{{ p.__init__.__globals__ }}", "to the module"),
    ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", "to a shell"),
    ("{{ lipsum.__globals__ }}", "by a default global"),
    ("{{ namespace.__init__ }}", "by another"),
    ("{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}", "CPU"),
    ("{{ 'a'*2000000000 }}", "memory"),
    ("{{ 9**9**9 }}", "CPU by a number"),
    ("{{ [0]*300000000 }}", "memory by a list"),
    ("{{ '%1000000000d' % 1 }}", "memory by a width"),
    ("{{ 'x'.ljust(2000000000) }}", "memory by a method"),
    ("{{ '%s'|format(p) }}", "an object's own text"),
    ("{{ p.delete() }}", "a method of a record"),
    ("{% set d={} %}{% for i in range(99999) %}{% set _=d.update({i:'x'*10000}) %}{% endfor %}",
     "memory by a dictionary"),
]  # fmt: skip

NOT_ALLOWED = [
    ("{{ patient['given_name'] }}", "template-not-allowed", "a subscript"),
    ("{{ patient.given_name.upper }}", "template-not-allowed", "two dots"),
    ("{{ patient.given_name ~ 'x' }}", "template-not-allowed", "joining"),
    ("{{ -patient.title }}", "template-not-allowed", "a sign"),
    ("{{ 'x' }}", "template-not-allowed", "a literal"),
    ("{{ true }}", "template-not-allowed", "a constant"),
    ("{{ 'a' if patient.title else 'b' }}", "template-not-allowed", "an inline if"),
    ("{% if true %}x{% endif %}", "template-not-allowed", "a condition on nothing"),
    ("{% if patient.title > 'A' %}x{% endif %}", "template-not-allowed", "an order"),
    ("{% if 'M' in patient.title %}x{% endif %}", "template-not-allowed", "containment"),
    ("{% if patient.title == 1 %}x{% endif %}", "template-not-allowed", "a number"),
    ("{% if patient.title is divisibleby 3 %}x{% endif %}", "template-not-allowed", "a test"),
    ("{% macro m() %}x{% endmacro %}", "template-not-allowed", "a macro"),
    ("{% include 'x' %}", "template-not-allowed", "an include"),
    ("{% import 'x' as y %}", "template-not-allowed", "an import"),
    ("{% extends 'x' %}", "template-not-allowed", "an extends"),
    ("{% block b %}x{% endblock %}", "template-not-allowed", "a block"),
    ("{% with %}x{% endwith %}", "template-not-allowed", "a with"),
    ("{% autoescape true %}x{% endautoescape %}", "template-not-allowed", "autoescape"),
    ("{% filter upper %}x{% endfilter %}", "template-not-allowed", "a filter block"),
    ("{{ patient.title|default(patient.given_name) }}", "template-not-allowed", "no literal"),
    ("{{ patient.title|default(value='x') }}", "template-not-allowed", "a named argument"),
    ("{{ patient.title|default(*patient) }}", "template-not-allowed", "unpacking"),
    ("{{ patient.title|default('\\x1e') }}", "template-not-allowed", "our own separator"),
    ("{{ patient.title|upper('x') }}", "template-not-allowed", "an argument too many"),
    ("{{ appointment.date|date('%Y') }}", "template-not-allowed", "a format of one's own"),
    ("{{ appointment.date|upper|date('long') }}", "template-not-allowed", "date comes first"),
    ("{{ patient.nhs_number }}", "template-variable", "not declared"),
    ("{{ patient._secret }}", "template-variable", "declared by mistake, still private"),
    ("{{ patient.__class__ }}", "template-variable", "private"),
    ("{{ self }}", "template-variable", "Jinja's own"),
    ("{{ loop }}", "template-variable", "Jinja's own"),
    ("{% if x.y is defined %}x{% endif %}", "template-variable", "in a condition"),
    ("{% do x %}", "template-syntax", "no such tag"),
    ("{{ patient.title", "template-syntax", "never closed"),
    ("{% if patient.title %}", "template-syntax", "never ended"),
    ("", "template-empty", "nothing"),
    (" \n ", "template-empty", "nothing to see"),
    ("x" * (LONGEST_BODY + 1), "template-too-long", ""),
    ("Dear\x1eyou", "template-control-character", "our own separator"),
    ("Dear\ud800", "template-control-character", "half a character"),
    ("{{ " + "(" * 3000 + "patient.title" + ")" * 3000 + " }}", "template-too-complex", "brackets"),
    ("{{ " + "9" * 5000 + " }}", "template-too-complex", "a number too long"),
    ("{% if " + "not " * 100 + "patient.title %}x{% endif %}", "template-too-complex", "not not"),
    ("{% if " + " and ".join(["patient.title"] * 99) + " %}x{% endif %}", "template-too-complex", ""),
    ("{% if patient.title %}" * 50 + "{% endif %}" * 50, "template-too-complex", "depth"),
    ("{{ patient.title" + "|upper" * 50 + " }}", "template-too-complex", "filters"),
    ("{{ patient.title }}" * 500, "template-too-complex", "a message without end"),
]  # fmt: skip

FORMATS = [
    ("short", "02/03/2026"),
    ("medium", "2 Mar 2026"),
    ("long", "2 March 2026"),
    ("full", "Monday 2 March 2026"),
    ("day", "Monday 2 March"),
    ("weekday", "Monday"),
    ("time", "10:30"),
    ("iso", "2026-03-02"),
]

NOTHING = [None, "", "  ", float("nan"), np.nan, pd.NaT, pd.NA, False, np.bool_(False)]

AS_TEXT = [
    ("Ann", "Ann"),
    (" Ann ", "Ann"),
    (7, "7"),
    (True, "yes"),
    (date(2026, 3, 2), "2 March 2026"),
    (pd.Timestamp("2026-03-02"), "2 March 2026"),
    (datetime(2026, 3, 2, 10, 30, tzinfo=UTC), "2 March 2026, 10:30"),
    ("{{ 7*7 }}{% for %}", "{{ 7*7 }}{% for %}"),
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("%s %(x)s ${y} {0.__class__}", "%s %(x)s ${y} {0.__class__}"),
    ("Ann\r\nBcc: x@y.org", "Ann Bcc: x@y.org"),
    ("a\x00b\x1ec\u2028d\x85e", "a b c d e"),
    ("half \ud800 a character", "half   a character"),
    ("\u202eevil\u202c", "evil"),
    ("x" * 201, "x" * 201),
    ("Siân 😀", "Siân 😀"),
]


def said(body: str, **values: Any) -> str:
    """The one message of a row; `__` in a name stands for the dot."""
    row = {name.replace("__", "."): value for name, value in values.items()}
    (message,) = compile_template(body, allowed=ALLOWED).render([row])
    return message


@pytest.mark.parametrize(("body", "why"), ATTACKS)
def test_every_known_attack_is_refused_before_anything_runs(body: str, why: str) -> None:
    with pytest.raises(TemplateRefused, match="Line 1"):
        compile_template(body, allowed=ALLOWED)


@pytest.mark.parametrize(("body", "code", "why"), NOT_ALLOWED)
def test_what_is_not_on_the_list_is_refused_with_a_code(body: str, code: str, why: str) -> None:
    with pytest.raises(TemplateRefused) as refused:
        compile_template(body, allowed=ALLOWED)
    assert refused.value.code == code, why


def test_a_refusal_names_the_line_and_the_nearest_variable() -> None:
    with pytest.raises(TemplateRefused) as refused:
        compile_template("Dear\n{{ patient.given_nam }}", allowed=ALLOWED)
    assert refused.value.says.startswith("Line 2: ")
    assert "Did you mean patient.given_name?" in refused.value.says


def test_variables_come_from_patient_appointment_organisation_and_list() -> None:
    template = compile_template(
        "Dear {{ patient.title }} {{ patient.family_name }}, {{ list.Clinic_name }} at "
        "{{ organisation.name }} on {{ appointment.date|date('full') }}.",
        allowed=ALLOWED,
    )
    row = {
        "patient.title": "Mrs", "patient.family_name": "Siôn", "list.Clinic_name": "Flu clinic",
        "organisation.name": "The Practice", "appointment.date": date(2026, 3, 2),
    }  # fmt: skip
    assert template.render([row]) == [
        "Dear Mrs Siôn, Flu clinic at The Practice on Monday 2 March 2026."
    ]
    assert template.variables == tuple(row)


@pytest.mark.parametrize(
    ("body", "with_title", "without"),
    [
        ("{% if patient.title %}A{% else %}B{% endif %}", "A", "B"),
        ("{% if not patient.title %}A{% endif %}-", "-", "A-"),
        ("{% if patient.title is defined %}A{% else %}B{% endif %}", "A", "B"),
        ("{% if patient.title is not defined %}A{% else %}B{% endif %}", "B", "A"),
        ("{% if patient.title == 'Mrs' %}A{% else %}B{% endif %}", "A", "B"),
        ("{% if patient.title != 'Mrs' %}A{% else %}B{% endif %}", "B", "A"),
        ("{% if patient.title|upper == 'MRS' %}A{% else %}B{% endif %}", "A", "B"),
        ("{% if nickname %}N{% elif patient.title %}A{% else %}B{% endif %}", "A", "B"),
        ("{% if nickname or patient.title %}A{% else %}B{% endif %}", "A", "B"),
        ("{% if patient.title and not nickname %}A{% else %}B{% endif %}", "A", "B"),
        ("{% if patient.title == nickname %}A{% else %}B{% endif %}", "B", "A"),
        ("{% if patient.title %}{% if nickname %}N{% endif %}A{% endif %}B", "AB", "B"),
        ("{{ patient.title|default('you') }}", "Mrs", "you"),
        ("{{ patient.title|default('you')|upper }}", "MRS", "YOU"),
        ("{# a note #}{% raw %}{{ x }}{% endraw %}", "{{ x }}", "{{ x }}"),
        ("x{%- if patient.title -%} A {%- endif %}", "xA", "x"),
    ],
)
def test_conditions_and_defaults_choose_the_text(body: str, with_title: str, without: str) -> None:
    assert said(body, patient__title="Mrs") == with_title
    assert said(body, patient__title="") == without


@pytest.mark.parametrize(
    ("body", "value", "expected"),
    [
        ("{{ nickname|upper }}", "Siân", "SIÂN"),
        ("{{ nickname|lower }}", "ŴYN", "ŵyn"),
        ("{{ nickname|trim }}", " x ", "x"),
        ("{{ nickname|title }}", "ANN O'NEILL-JONES", "Ann O'Neill-Jones"),
        ("{{ nickname|title }}", "ann's clinic", "Ann's Clinic"),
    ],
)
def test_filters_change_letters_only(body: str, value: str, expected: str) -> None:
    assert said(body, nickname=value) == expected


@pytest.mark.parametrize(("name", "expected"), FORMATS)
def test_dates_are_printed_in_a_fixed_set_of_formats(name: str, expected: str) -> None:
    body = f"{{{{ appointment.date|date('{name}') }}}}"
    for moment in (datetime(2026, 3, 2, 10, 30), pd.Timestamp(2026, 3, 2, 10, 30)):  # noqa: DTZ001 - local times
        assert said(body, appointment__date=moment) == expected
    assert said(body, appointment__date="2026-03-02T10:30:00") == expected


def test_a_date_that_is_not_one_is_printed_as_it_stands() -> None:
    body = "{{ appointment.date|date('long')|default('soon') }}"
    assert said(body, appointment__date="next week") == "next week"
    assert said(body, appointment__date="2026-03-02") == "2 March 2026"
    for nothing in NOTHING:
        assert said(body, appointment__date=nothing) == "soon"


@pytest.mark.parametrize("value", NOTHING)
def test_every_kind_of_nothing_is_nothing(value: Any) -> None:
    assert said("[{{ nickname }}]", nickname=value) == "[]"
    assert said("{% if nickname is defined %}A{% else %}B{% endif %}", nickname=value) == "B"


@pytest.mark.parametrize(("value", "expected"), AS_TEXT)
def test_a_value_stays_text_on_one_line_and_short(value: Any, expected: str) -> None:
    assert said("{{ nickname }}", nickname=value) == expected


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.lists(st.text(max_size=250), min_size=1, max_size=20))
def test_each_row_gets_its_own_message_whatever_the_values(values: list[str]) -> None:
    """No value can end a message early, run into the next one, or be executed."""
    template = compile_template("<{{ nickname }}>", allowed=ALLOWED)
    messages = template.render([{"nickname": value} for value in values])
    assert len(messages) == len(values)
    for message, value in zip(messages, values, strict=True):
        assert message == f"<{said('{{ nickname }}', nickname=value)}>"
        assert "\n" not in message


def test_a_frame_renders_as_its_rows_do() -> None:
    template = compile_template(
        "{{ patient.given_name }} {{ appointment.date|date('short') }} {{ nickname }}",
        allowed=ALLOWED,
    )
    frame = pd.DataFrame(
        {
            "patient.given_name": ["Ann", ""],
            "appointment.date": pd.to_datetime(["2026-03-02", None]),
        },
        index=[7, 9],
    )
    assert template.render_frame(frame) == ["Ann 02/03/2026 ", "  "]
    assert template.render_frame(frame) == template.render(frame.to_dict("records"))
    assert template.render([]) == []


def test_a_template_without_variables_is_said_to_everybody() -> None:
    template = compile_template("We are closed on Monday.\nSorry.", allowed=ALLOWED)
    assert template.render([{}, {}]) == ["We are closed on Monday.\nSorry."] * 2
    assert (template.variables, template.required) == ((), ())


@pytest.mark.parametrize(
    ("body", "required", "why"),
    [
        ("{{ patient.title }}", ("patient.title",), "always printed"),
        ("{{ patient.title|upper }}", ("patient.title",), "filters do not help"),
        ("{{ patient.title|default('you') }}", (), "there is a default"),
        ("{{ patient.title|default('you') }}{{ patient.title }}", ("patient.title",), "not always"),
        ("{% if patient.title %}{{ patient.title }}{% endif %}.", (), "asked about first"),
        (
            "{% if patient.title %}x{% endif %}{{ patient.title }}",
            ("patient.title",),
            "outside too",
        ),
        ("{% if patient.title %}{{ nickname }}{% endif %}.", ("nickname",), "never asked about"),
        ("{% if nickname == 'x' %}A{% endif %}.", (), "asked about only"),
        ("{% if patient.title is defined %}{{ patient.title }}{% endif %}.", (), "asked about"),
        ("{{ appointment.date|date('long') }}", ("appointment.date",), "a date"),
    ],
)
def test_required_variables_are_those_whose_lack_leaves_a_hole(
    body: str, required: tuple[str, ...], why: str
) -> None:
    assert compile_template(body, allowed=ALLOWED).required == required, why


def test_the_first_required_variable_a_row_lacks_is_named() -> None:
    """ARC-9: a row that would leave a hole in the message is found before anything is sent."""
    template = compile_template(
        "{{ patient.title }} {{ nickname }} {{ appointment.date|date('long') }}", allowed=ALLOWED
    )
    frame = pd.DataFrame(
        {
            "patient.title": ["Mrs", "", "Mrs", None, "Mrs"],
            "nickname": ["Ann", "Bob", "  ", "", "Eve"],
            "appointment.date": pd.to_datetime(["2026-03-02"] * 4 + [None]),
        },
        index=[3, 5, 7, 9, 11],
    )
    missing = missing_variables(template, frame)
    assert missing.to_dict() == {
        3: "", 5: "patient.title", 7: "nickname", 9: "patient.title", 11: "appointment.date",
    }  # fmt: skip
    assert set(missing_variables(template, frame.drop(columns="nickname"))) == {
        "nickname",
        "patient.title",
    }


def test_the_handbook_shows_a_template_that_works_and_every_format() -> None:
    """docs/templates.md is what people write from."""
    handbook = (Path(__file__).parents[4] / "docs" / "templates.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```jinja\n(.*?)```", handbook, re.DOTALL)
    names = frozenset(re.findall(r"\b\w+\.\w+\b", example))
    template = compile_template(example, allowed=names)
    row = {
        "patient.family_name": "Jones",
        "patient.title": "MS",
        "organisation.name": "The Surgery",
    }
    (message,) = template.render([{**row, "appointment.date": date(2026, 3, 2)}])
    assert "Dear Ms Jones,\nwe expect you on Monday 2 March 2026" in message
    moment = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    assert all(f"`{name}` {show(moment)}" in handbook for name, show in DATE_FORMATS.items())


def test_the_longest_template_allowed_can_be_compiled() -> None:
    """The limits are ours, not those of Python's own compiler."""
    choice = "{% elif patient.title == 'x' %}{{ patient.title }}"
    body = "{% if nickname %}" + choice * 65 + "{% endif %}"
    assert compile_template(body, allowed=ALLOWED).render([{"patient.title": "x"}]) == ["x"]
    depth = 12
    nested = "{% if nickname %}" * depth + "in" + "{% endif %}" * depth
    assert compile_template(nested, allowed=ALLOWED).render([{"nickname": "y"}]) == ["in"]


def test_a_value_over_the_limit_is_named_with_both_lengths_and_never_cut() -> None:
    """ARC-9: the row is an error; what is printed is always whole."""
    frame = pd.DataFrame(
        {"list.A": ["x" * 40, "short", " " * 60], "list.B": [None, "y" * 31, "z" * 1_200]},
        index=[2, 3, 4],
    )
    assert values_too_long(frame, 30).tolist() == [
        "list.A: 40 characters, 30 allowed",
        "list.B: 31 characters, 30 allowed",
        "list.B: 1,200 characters, 30 allowed",
    ]
    assert values_too_long(frame, 1_200).tolist() == ["", "", ""]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("list.CLINIC", "list.Clinic"),
        ("Patient.Given_Name", "patient.given_name"),
        ("list.surgery_date", "list.Surgery_Date"),
        ("list.Surgery Date", "list.Surgery_Date"),
        ("list['Surgery Date']", "list.Surgery_Date"),
        ("list.2nd dose", "list.column_2nd_dose"),
        ('list["2nd dose"] | upper', "list.column_2nd_dose"),
        ("list.site_name", "list.Site_name_C or list.Site_name_F"),
    ],
)
def test_another_case_or_a_heading_as_it_stands_is_told_the_right_name(
    typed: str, meant: str
) -> None:
    lists = ("Clinic", "Surgery_Date", "column_2nd_dose", "Site_name_C", "Site_name_F")
    allowed = frozenset({"patient.given_name", *(f"list.{name}" for name in lists)})
    with pytest.raises(TemplateRefused, match=f"Did you mean {meant}"):
        compile_template("{{ " + typed + " }}", allowed=allowed)
