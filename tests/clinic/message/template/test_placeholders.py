"""Places of other programs are found in the template's own words, and nothing of ours is taken for one."""

from __future__ import annotations

import pandas as pd
import pytest

from clinic.message.template.placeholders import placeholders_in, places_to_fill


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


def test_a_value_of_the_list_that_is_no_value_is_told_of_by_row() -> None:
    """ACX-24: which variable and which rows; never the value. What the template has is in all messages."""
    values = pd.DataFrame(
        {
            "list.Note": ["ok", "[insert number]", "Room XXX", None, "n/a"],
            "list.Where": ["Elm", "#REF!", "Oak", "Ash (east)", "n/a but ring"],
            "patient.family_name": ["Null"] * 5,
            "list.Day": ["1 May", "5 x 2 mg", "", "Siân", "£5"],
        },
        index=pd.Index([2, 3, 4, 7, 9], name="row_number"),
    )
    hits = places_to_fill("Dear [Name] {{ patient.title }}", values)
    assert [(hit.phrase.subject, hit.phrase.written, hit.places.tolist()) for hit in hits] == [
        ("placeholder", "[Name]", [0, 1, 2, 3, 4]),
        ("unfilled", "list.Note", [1, 2, 4]),
        ("unfilled", "list.Where", [1]),
    ]
