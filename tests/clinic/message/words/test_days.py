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
        ("Your appointment is on Monday 9.30", ["monday"]),
        ("Come on Monday 9 am please", ["monday"]),
        ("Your slot: Monday 9:30", ["monday"]),
        ("Clinic Tuesday 14:30 at the hall", ["tuesday"]),
        ("Wednesday 2pm to 4pm is your walk-in", ["wednesday"]),
        ("Thursday 10 o'clock", ["thursday"]),
        ("Dewch ddydd Mawrth 10.30", ["ddydd mawrth"]),
        ("Dewch ddydd Iau 9yb", ["ddydd iau"]),
        ("See you this Fri at the surgery", ["this fri"]),
        ("Flu jabs Sat 10am", ["sat"]),
        ("You missed your call yesterday", ["yesterday"]),
        ("Monday 16.00, ground floor", ["monday"]),
        ("Friday 13 30 in room 4", ["friday"]),
        ("The nurse is here today. Ring the bell.", ["today"]),
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
        "Your review is on Mon 14 Dec at 9.30",
        "Monday 7/12 at 10am, or Tuesday 8.12.2026 9:30",
        "Monday 2026-12-14, 9.30am",
        "14 December 2026 (Monday) at 9",
        "on 14/12, a Monday",
        "Mae'r clinig ddydd Llun y 14eg, neu ddydd Mawrth 15fed o Ragfyr",
        "Wednesday 30",
        "Opening hours: Monday 8am to 6pm, Saturday 9 to 12",
        "Monday 8am-6pm, Tuesday 8am-8pm, Sat 9am-12pm",
        "Open Mon to Fri 8am to 6.30pm, Mon-Fri 8-6, Sat & Sun 9am to 12",
        "Closed on Good Friday and Easter Monday",
        "Clinics run every other Tuesday, or on a Saturday morning",
        "Join our patient group today, or stop smoking today",
        "Order your repeat prescription online today",
        "She sat down in the sun; they wed in May",
        "{{ appointment.when }} at {{ appointment.time }}",
        *(template.body for template in TEMPLATES),
    ],
)
def test_what_stays_right_is_not(text: str) -> None:
    assert day_words(text) == []
