"""Typographic characters go, letters stay, and what is left has a price that is shown."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clinic.gateway.segments import count_segments
from clinic.message.template.typography import (
    LettersPrice,
    count_rewritten,
    plain,
    price_of_letters,
)

SWAPPED = [
    ("“Hello”", '"Hello"', "curly quotes"),
    ("it’s ‘fine’", "it's 'fine'", "and single ones"),
    ("9–5 — daily", "9-5 - daily", "dashes"),
    ("wait…", "wait...", "ellipsis"),
    ("020\u00a07946\u202f0000", "020 7946 0000", "spaces that do not break"),
    ("a\tb", "a b", "a tab"),
    ("• one", "* one", "a bullet, which is no minus"),
    ("one\u2028two", "one\ntwo", "Unicode's own line end"),
    ("soft\u00adhyphen\u200b\ufeff", "softhyphen", "what nobody sees"),
    ("½ hour", "1/2 hour", "a fraction"),
    ("1½ tablets, then 3¼", "1 1/2 tablets, then 3 1/4", "a fraction after a number"),
    ("½½ and ¾7", "1/2 1/2 and 3/4 7", "fractions beside each other"),
    ("•7 ml", "*7 ml", "a bullet before a number"),
    (
        "8am–6pm, 1–2 a day, warfarin—3 mg",
        "8am - 6pm, 1-2 a day, warfarin - 3 mg",
        "dashes that are no minus",
    ),
    ("Take…5 mg", "Take... 5 mg", "an ellipsis is no decimal point"),
    ("−2 °C".replace("°", ""), "-2 C", "a minus stays one"),
    ("a`b´c", "a'b'c", "backtick and acute accent"),
]

KEPT = [
    ("Siân Ŵyn ŷ â ê î ô û ö", "Welsh"),
    ("García Łukasz Zoë Ñandú ç ß", "names"),
    ("Ολυμπία Алла محمد 李 ਅਮਰ", "other scripts"),
    ("👨\u200d👩\u200d👧 ❤\ufe0f", "emoji joined from several"),
    ("می\u200cخواهم", "Persian needs its non-joiner"),
    ("3\u200b40 mg", "what stands between two numbers, seen or not"),
    ("3•5 mg, 7›6", "signs between digits that would read as a sum or as feet"),
    ("–4 mg", "a dash before a number, of which nobody knows whether it is a sign"),
]


@pytest.mark.parametrize(("text", "expected", "why"), SWAPPED)
def test_typographic_characters_become_plain_ones(text: str, expected: str, why: str) -> None:
    assert plain(text) == expected, why
    assert count_segments(plain(text)).encoding == "GSM-7"


@pytest.mark.parametrize(("text", "why"), KEPT)
def test_letters_and_emoji_stay(text: str, why: str) -> None:
    assert plain(text) == text, why


def test_an_accent_of_its_own_joins_its_letter() -> None:
    assert plain("Sia\u0302n") == "Siân"


@settings(max_examples=200, derandomize=True, deadline=None)
@example("a\u200b\u0302")
@example("\u1fef")
@given(st.text(max_size=200))
def test_plain_changes_nothing_the_second_time(text: str) -> None:
    assert plain(plain(text)) == plain(text)


_NUMBER = re.compile(r"(?<![^\W_])-?[0-9]+|[0-9]+")
_PIECES = st.sampled_from(
    [*"0123456789 .,/+-½¼¾•‣◦–—―−‐…×÷⁄'", "\u200b", "\u00ad", "\u00a0", "mg", "a", "\n", "\u0302"]
)


def numbers(text: str) -> list[str]:
    """Every number as a reader sees it, with its sign; a fraction is two of its own."""
    for fraction, spelt in (("½", "1/2"), ("¼", "1/4"), ("¾", "3/4")):
        text = re.sub(f"{fraction}(?=[0-9])", f"{fraction} ", text)
        text = re.sub(f"(?<![-−]){fraction}", f" {spelt}", text).replace(fraction, spelt)
    text = re.sub("(?<=[a-z×])[\u200b\u00ad]+", "", text.replace("−", "-"))
    return _NUMBER.findall(unicodedata.normalize("NFC", text.replace("×", "x")))


@settings(max_examples=400, derandomize=True, deadline=None)
@example("6½ tablets • 12 mg")
@example("—\u200b5")
@example("‑½")
@given(st.lists(_PIECES, max_size=14).map("".join))
def test_no_number_is_joined_to_another_or_given_a_sign(text: str) -> None:
    assert numbers(plain(text)) == numbers(text)


def test_what_is_rewritten_is_counted_by_the_texts_that_have_it() -> None:
    """PAT-13: a character counts once a text, and one that stays does not count."""
    texts = ["It’s 2½ – ’", "It’s ours", "plain", "–4 mg"]
    assert dict(count_rewritten(texts)) == {"’": 2, "½": 1, "–": 1}


def test_the_price_of_letters_is_the_segments_they_add() -> None:
    """PAT-13: one Siân among three patients costs one segment more, and the total says so."""
    body = "Dear {}, " + "x" * 100
    price = price_of_letters([body.format(name) for name in ("Ann", "Siân", "Bob")])
    assert price == LettersPrice(messages=1, segments=4, without=3)
    assert price_of_letters([]) == LettersPrice(0, 0, 0)
