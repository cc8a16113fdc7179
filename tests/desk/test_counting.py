"""What a text costs, as it is typed (PAT-13)."""

from __future__ import annotations

import pytest

from tests.desk.visitors import Visitor


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Nothing is written yet."),
        ("   \r\n", "Nothing is written yet."),
        ("Hello", "<strong>1 text message</strong> (5 characters)"),
        ("a" * 160, "<strong>1 text message</strong> (160 characters)"),
        ("a" * 161, "<strong>2 text messages</strong> (161 characters)"),
        ("one\r\ntwo", "(7 characters)"),
        # Margaret, as a synthetic patient is called
        ("Dear {{ patient.given_name }}", "(13 characters)"),
        ("{{ list.Clinic_time }}", "(11 characters)"),
        ("ŵ" * 71, "<strong>2 text messages</strong>"),
        ("ŵ", "It has ŵ, which makes each text message hold 70 characters instead of 160."),
        ("“quoted”", "(8 characters)"),
        ("{{ patient.surname }}", "patient.surname"),
        ("{{ patient.given_name", "Line 1"),
        ("<script>alert(1)</script> {{ x.<img src=x onerror=y> }}", "Line 1"),
    ],
)  # fmt: skip
def test_a_text_is_counted_as_it_stands(visitor: Visitor, text: str, says: str) -> None:
    """PAT-13: with sample values, as it would leave; what is wrong is said, and nothing is shown as markup."""
    visitor.sign_in("olwen")
    found = visitor.send("/count", {"body": text}, seen_at="/sessions")
    assert found.status_code == 200
    assert says in " ".join(found.text.split())
    assert "<img" not in found.text


def test_what_a_name_would_cost_is_not_guessed(visitor: Visitor) -> None:
    """The text alone is judged: sample values are of the phone alphabet."""
    visitor.sign_in("olwen")
    found = visitor.send("/count", {"body": "Hi {{ patient.full_name }}"}, seen_at="/sessions")
    assert "It has" not in found.text
