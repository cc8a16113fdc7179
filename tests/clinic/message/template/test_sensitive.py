"""COM-4: what others may see on a phone gets a warning that a person must accept."""

from __future__ import annotations

import pytest

from clinic.message.template.sensitive import NOTICE, notices, warnings_for

FOUND = [
    ("Your blood test results are ready", ["results"]),
    ("Your result is back", ["results"]),
    ("Cervical SMEAR due", ["results"]),
    ("HIV clinic on Monday", ["sexual_health"]),
    ("Your chemotherapy starts on Monday", ["cancer"]),
    ("Antenatal clinic for pregnant women", ["pregnancy"]),
    ("Our mental health team", ["mental_health"]),
    ("Our mental-health\nteam", ["mental_health"]),
    ("Alcohol advice", ["substances"]),
    ("Safeguarding meeting", ["violence"]),
    ("Your new diagnosis", ["diagnosis"]),
    ("Your NHS number is {{ patient.id }}", ["identity"]),
    ("{{ patient.nhs_number }}", ["identity"]),
    ("{{ list.HIV_Status }}", ["sexual_health"]),
    ("Your PIN is {{ list.Code }}", ["secret"]),
    ("Mae eich canlyniadau'n barod", ["results"]),
    ("HIV test results", ["results", "sexual_health"]),
]

INNOCENT = [
    "Dear {{ patient.given_name }}, your appointment is on {{ appointment.date|date('full') }}.",
    "Book your flu jab at the surgery in Essex",
    "Eat spinach and grapes",
    "The staff stopped the study",
    "Please call to rearrange",
    "We are closed as a result of the storm. Parking: postcode CF10 1AA",
    "",
]


@pytest.mark.parametrize(("body", "subjects"), FOUND)
def test_sensitive_words_are_found_in_text_and_variables(body: str, subjects: list[str]) -> None:
    """COM-4: in the template's own words, in any case, and in the names of its variables."""
    warnings = warnings_for(body, "sms")
    assert [warning.code for warning in warnings] == [f"sensitive_{about}" for about in subjects]
    assert warnings_for(body, "voice") == warnings


@pytest.mark.parametrize("body", INNOCENT)
def test_ordinary_messages_raise_no_alarm(body: str) -> None:
    """COM-4: words inside other words do not count; a warning that always comes is not read."""
    assert warnings_for(body, "sms") == []


def test_a_warning_names_the_words_and_says_what_to_do() -> None:
    """COM-4: the person who accepts it knows what they accept."""
    (warning,) = warnings_for("Your blood test results", "sms")
    assert "“blood test”, “results”" in warning.says
    assert NOTICE not in warning.says  # it is said once at each send, by `notices`
    assert "accept this warning" in warning.says


def test_only_channels_that_others_may_see_are_judged() -> None:
    """COM-4 is about SMS."""
    assert warnings_for("Your HIV test results", "email") == []


@pytest.mark.parametrize(
    ("channel", "count", "word"),
    [("sms", 2, "texts"), ("voice", 2, "calls"), ("email", 1, "e-mail")],
)
def test_what_must_be_minded_is_said_at_every_send(channel: str, count: int, word: str) -> None:
    """PAT-28, ACX-23, COM-4: whatever the words of the message are; others do not see an e-mail."""
    said = notices(channel)
    assert len(said) == count
    assert word in said[0]
    assert (NOTICE in said) is (count == 2)
