"""NEW-25: the one word by which a phrase is looked for is in every text that has the phrase."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.message.words.folding import fold
from clinic.message.words.hints import hint_of, places_with
from clinic.message.words.marketing import sells
from clinic.message.words.phrases import Phrase, any_of, expression_of, word_list
from clinic.message.words.trust import replies
from clinic.settings import Content

PHRASES = [
    phrase
    for words in (word_list(Content()), sells(), replies())
    for phrase in words.phrases
]  # fmt: skip
SITES = [
    Phrase(written, "shorthand", expression_of(written, False))
    for written in (
        "рак",
        "łza*",
        "60%",
        "c++",
        "#mg",
        "£#",
        "o'connor",
        "go-to x*",
        "ab ł",
        "癌 #",
    )
]
PHRASES += SITES
HINT = hint_of(phrase.expression for phrase in PHRASES)
# An underscore is where one expects no edge
BETWEEN = (" ", "-", "_", ", ", "\n", "__ ", "/")


def spelled(expression: str, between: str, ending: str) -> str:
    """A text that the expression of a phrase finds."""
    plain = re.sub(r"\(\?:([a-z]*)\|[a-z|]*\)", r"\1", expression)
    plain = plain.replace(r"[\W_]+", between).replace(r"\w*", ending).replace(r"\d+", "12")
    return re.sub(r"\\(.)", r"\1", plain)


@given(
    phrase=st.sampled_from(PHRASES),
    between=st.sampled_from(BETWEEN),
    ending=st.sampled_from(["", "s", "ing", "_", "9"]),
    before=st.sampled_from(["", "Dear Ann, ", "ø", "(", "x-"]),
    after=st.sampled_from(["", ".", " ø", "’s", " soon"]),
)
def test_no_phrase_is_without_its_hint(
    phrase: Phrase, between: str, ending: str, before: str, after: str
) -> None:
    expression = phrase.expression
    texts = fold([before + spelled(expression, between, ending) + after])
    if len(places_with(texts, any_of([expression]))):
        assert len(places_with(texts, HINT))
        assert len(places_with(texts, hint_of([expression])))


def test_every_phrase_can_be_spelled() -> None:
    for phrase in PHRASES:
        texts = fold([f"It says: {spelled(phrase.expression, ' ', '')}."])
        assert places_with(texts, any_of([phrase.expression])).tolist() == [0], phrase.written


@pytest.mark.parametrize(
    ("phrase", "often", "hint_finds", "hint_finds_not"),
    [
        ("your hiv test", (), "the hiv clinic", "your test"),
        ("not call*", ("call",), "do not come", "call us"),
        ("book on #", (), "book it", "on 01792"),
        ("#", (), "at 9", "at nine"),
    ],
)
def test_the_word_that_is_seldom_elsewhere_is_the_hint(
    phrase: str, often: tuple[str, ...], hint_finds: str, hint_finds_not: str
) -> None:
    hint = hint_of([expression_of(phrase, False)], often)
    assert places_with(pa.array([hint_finds, hint_finds_not]), hint).tolist() == [0]


def test_of_no_texts_nothing_is_asked() -> None:
    assert places_with(pa.array([], pa.string()), "(an expression that is none").tolist() == []
