"""Words that mean another day when they are read on another day; and wordings that stay right."""

from __future__ import annotations

import pytest

from clinic.message.template.vendor_templates import TEMPLATES
from clinic.message.words.days import day_words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Your clinic is tomorrow at 9.30", ["tomorrow"]),
        ("We are closed TODAY and tomorrow.", ["today", "tomorrow"]),
        ("See you on Monday!", ["monday"]),
        ("Closed this afternoon for training", ["this afternoon"]),
        ("Mae'r clinig yfory", ["yfory"]),
        ("Rydym ar gau ddydd Gwener", ["ddydd gwener"]),
        ("We will ring you Friday morning", ["friday"]),
        ("Call us today about Thursday's clinic", ["thursday"]),
    ],
)
def test_a_day_that_moves_is_found(text: str, found: list[str]) -> None:
    assert day_words(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "The clinic is on Monday 14 December, or Friday the 18th",
        "Mae'r clinig ddydd Llun 14 Rhagfyr",
        "We are open Monday to Friday, Monday-Friday, and every Saturday",
        "Clinics are on Monday, Wednesday and Friday, and on Saturday mornings",
        "Your clinic is on Monday, December 14",
        "Mondays are busy. Please call us today.",
        "Book your appointment with us today",
        "{{ appointment.when }} at {{ appointment.time }}",
        *(template.body for template in TEMPLATES),
    ],
)
def test_what_stays_right_is_not(text: str) -> None:
    assert day_words(text) == []
