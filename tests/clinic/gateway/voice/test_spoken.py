"""How long a call speaks, in the minutes that it costs."""

import pytest

from clinic.gateway.voice.spoken import count_charged, spoken_seconds


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("", 0),
        ("Hello, this is Hillview Surgery.", 1),
        ("word " * 150, 1),
        ("word " * 151, 2),
        ("01632 960001 " * 13, 1),  # eleven digits are eleven words
        ("01632 960001 " * 14, 2),
        ("Llanfairpwllgwyngyll " * 45, 1),
        ("Llanfairpwllgwyngyll " * 46, 2),
    ],
)
def test_a_call_costs_the_minutes_that_it_speaks(text: str, minutes: int) -> None:
    """COM-14: digits are read one by one, and long words take longer than short ones."""
    assert count_charged("voice", [text]) == [minutes]


def test_a_text_costs_segments_a_call_minutes_and_an_e_mail_nothing_by_length() -> None:
    long = "word " * 200
    assert [count_charged(one, [long]) for one in ("sms", "voice", "email")] == [[7], [2], [0]]
    assert spoken_seconds(long) == pytest.approx(80)
