"""Places of other programs are found in the template's own words, and nothing of ours is taken for one."""

from __future__ import annotations

import pytest

from clinic.message.placeholders import placeholder_warnings, placeholders_in


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
