"""Places of other programs are found in the template's own words, and nothing of ours is taken for one."""

from __future__ import annotations

import pandas as pd
import pytest

from clinic.message.template.placeholders import (
    count_unfilled,
    placeholder_warnings,
    placeholders_in,
    unfilled_warnings,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dear [First Name], call", ["[First Name]"]),
        ("Dear ((patient name)),", ["((patient name))"]),
        ("Hi <<Forename>>!", ["<<Forename>>"]),
        ("Hi <Forename>!", ["<Forename>"]),
        ("Dear «Surname»", ["«Surname»"]),
        ("Dear *|LNAME|*", ["*|LNAME|*"]),
        ("Dear %firstname%, at %%time%%", ["%firstname%", "%%time%%"]),
        ("Dear {title} ${surname}", ["{title}", "${surname}"]),
        ("Dear @Forename@, at @@when@@", ["@Forename@", "@@when@@"]),
        ("Call XXXXX on XX/XX/XXXX", ["XXXXX", "XX", "XXXX"]),
        ("Call [insert phone] or ____", ["[insert phone]", "____"]),
        ("Please insert your number", ["insert your number"]),
        ("on TBC, on TBC", ["TBC"]),
        ("{{ patient.given_name }} [clinic] {{ list.A }}", ["[clinic]"]),
    ],
)
def test_a_place_to_be_filled_is_found(text: str, found: list[str]) -> None:
    assert placeholders_in(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "Dear {{ patient.given_name }}, {% if list.Clinic %}come{% endif %} {# [note] #}",
        "Call 0116 496 0000 (9am - 5pm), choose option [1].",
        "50% of people have had it; 20% have not",
        "Siân's 3 < 4 and 5 > 2 … wait... xx",
        "See https://example.org/a_b?c=%20d",
        "Dose: 2 x 5 mg (with food)",
        "Max is your XXL shirt",
        "https://nhs.example/my__page",
    ],
)
def test_what_is_no_place_is_not_taken_for_one(text: str) -> None:
    assert placeholders_in(text) == []


def test_the_warning_names_what_it_found() -> None:
    (warning,) = placeholder_warnings("Dear [A] [B] [C] [D] [E] [F]")
    assert warning.code == "placeholder"
    assert "“[A]”" in warning.says
    assert "1 more" in warning.says
    assert placeholder_warnings("Dear {{ patient.title }}") == []


def test_a_value_of_the_list_that_is_no_value_is_told_of_by_row() -> None:
    """ACX-24: which variable, how many rows and the first of them; never the value."""
    values = pd.DataFrame(
        {
            "list.Note": ["ok", "[insert number]", "Room XXX", None, "n/a"],
            "list.Where": ["Elm", "#REF!", "Oak", "Ash (east)", "n/a but ring"],
            "patient.family_name": ["Null"] * 5,
            "list.Day": ["1 May", "5 x 2 mg", "", "Siân", "£5"],
        },
        index=pd.Index([2, 3, 4, 7, 9], name="row_number"),
    )
    counts = count_unfilled(values)
    assert {name: rows for name, rows in counts.items() if ":" not in name} == {
        "list.Note": 3,
        "list.Where": 1,
    }
    note, where = unfilled_warnings(counts + count_unfilled(values[:2].set_index([[20, 21]])))
    assert (note.code, where.code) == ("value_unfilled", "value_unfilled")
    assert "In 4 rows (the first: 3, 4, 9, 21) the value of list.Note" in note.says
    assert not any(text in note.says for text in ("insert", "XXX"))
    assert unfilled_warnings({"½": 3, ".": 1}) == []
