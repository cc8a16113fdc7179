"""NEW-40: the closed list, and what words of before it mean."""

from __future__ import annotations

import pytest

from clinic.values.purposes import decided_by, listed, needs_consent


@pytest.mark.parametrize(
    ("word", "message_type", "purpose"),
    [
        ("newsletter", "", "marketing"), ("Newsletter", "recall", "marketing"), ("any", "recall", "recall"),
        ("any", "reminder", "administration"), ("any", "invitation", "care"), ("any", "own text", "care"),
        ("review", "invitation", "recall"), ("FFT", "x", "feedback"), ("feedback", "", "feedback"),
        ("test_results", "", "test_results"), ("Test results", "", "test_results"),
        ("xyzzy", "survey", "feedback"), ("xyzzy", "xyzzy", "care"), ("study", "", "research"),
    ],
)  # fmt: skip
def test_a_word_of_before_is_one_of_the_list(word: str, message_type: str, purpose: str) -> None:
    assert listed(word, message_type) == purpose


def test_decisions_on_any_and_on_the_whole_speak_of_a_part() -> None:
    assert decided_by("test_results") == {"test_results", "care", "any"}
    assert decided_by("care") == {"care", "any"}
    assert decided_by("newsletter") == {"newsletter", "marketing", "any"}
    assert [p for p in ("care", "newsletter", "marketing", "research") if needs_consent(p)] == [
        "newsletter", "marketing",
    ]  # fmt: skip
