"""What a condition makes of a list's words: what whoever wrote the list meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.message.template.answers import NO, YES, answer, folded, unless_no
from clinic.message.template.template import compile_template

ALLOWED = frozenset({"list.Show", "list.Clinic", "list.Other", "patient.family_name"})
SAYS_YES = ["yes", "YES", "Yes", " y ", "Y", "1", "true", "TRUE"]
SAYS_NO = ["no", "NO", "n", " N ", "0", "false", "False"]


def said(body: str, **values: str) -> str:
    named = {name.replace("__", "."): value for name, value in values.items()}
    return compile_template(body, allowed=ALLOWED).render([named])[0]


def shown(condition: str, **values: str) -> bool:
    return said(f"{{% if {condition} %}}A{{% else %}}B{{% endif %}}", **values) == "A"


@pytest.mark.parametrize("value", SAYS_YES)
def test_each_way_to_say_yes_is_yes(value: str) -> None:
    assert shown("list.Show", list__Show=value)
    for literal in ("yes", "Yes", "Y", "true"):
        assert shown(f'list.Show == "{literal}"', list__Show=value)
    assert not shown('list.Show == "no"', list__Show=value)
    assert not shown("not list.Show", list__Show=value)


@pytest.mark.parametrize("value", SAYS_NO)
def test_each_way_to_say_no_is_no(value: str) -> None:
    assert not shown("list.Show", list__Show=value)
    assert shown("not list.Show", list__Show=value)
    assert shown('list.Show == "no"', list__Show=value)
    assert shown('list.Show != "yes"', list__Show=value)
    assert shown('list.Clinic or list.Show == "N"', list__Show=value, list__Clinic="")


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ('list.Clinic == "Flu"', {"list__Clinic": "FLU "}, True),
        ('list.Clinic == "Flu  clinic"', {"list__Clinic": "flu clinic"}, True),
        ('list.Clinic == "Flu"', {"list__Clinic": "Flu B"}, False),
        ('list.Clinic == "1"', {"list__Clinic": "yes"}, False),  # a number is no answer
        ('list.Clinic == "1"', {"list__Clinic": "1"}, True),
        ("list.Clinic == list.Other", {"list__Clinic": "Siân", "list__Other": "SIÂN"}, True),
        ("list.Clinic", {"list__Clinic": ""}, False),
        ("list.Clinic", {"list__Clinic": "Nobody"}, True),
        ("list.Show is defined", {"list__Show": "no"}, True),  # it says something
        ("patient.family_name", {"patient__family_name": "No"}, True),  # a name, no answer
        ('list.Clinic | upper == "FLU"', {"list__Clinic": "flu"}, True),
    ],
)
def test_words_are_compared_as_people_do(
    condition: str, values: dict[str, str], expected: bool
) -> None:
    assert shown(condition, **values) is expected


def test_what_is_printed_stays_as_the_list_has_it() -> None:
    assert said("{% if list.Show == 'yes' %}{{ list.Show }}{% endif %}", list__Show="YES") == "YES"


@given(st.text())
def test_nothing_is_both_and_folding_again_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert answer(answer(text)) == answer(text)
    assert not (folded(text) in YES and folded(text) in NO)
    assert (unless_no(text) == "") is (answer(text) == "no" or text == "")
