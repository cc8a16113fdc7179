"""
Which replies should be read first, by words of danger, of a death, of a wrong number, of "do not text".

The words are replies.toml, which a clinician owns, with what a practice adds (`replies.add`). A mark is an aid
and never a judgement: what has none is read too, and only "wrong number" and a death do something by
themselves: nothing is sent until staff decide.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from clinic.message.words.judging import judge
from clinic.message.words.phrases import Phrase, WordList, any_of, expression_of
from clinic.settings import Replies

DANGER, DEATH, WRONG_NUMBER, DO_NOT_TEXT = "danger", "death", "wrong_number", "do_not_text"
# In the order in which they are read
MARKS: Final = (DANGER, DEATH, WRONG_NUMBER, DO_NOT_TEXT)
_PROGRAMS: Final = Replies()
LIMIT: Final = "Marks are an aid, and miss what nobody listed: every reply is read."


def marks_of(texts: Sequence[str], words: Replies = _PROGRAMS) -> list[str]:
    """The marks of each text, with a space between, the most urgent first; "" where there are none."""
    found: list[set[str]] = [set() for _ in texts]
    added = tuple((mark, tuple(phrases)) for mark, phrases in sorted(words.add.items()))
    for hit in judge(texts, _words(added, tuple(words.harmless))):
        for place in hit.places.tolist():
            found[place].add(hit.phrase.subject)
    return [" ".join(mark for mark in MARKS if mark in own) for own in found]


@cache
def _words(added: tuple[tuple[str, tuple[str, ...]], ...], harmless: tuple[str, ...]) -> WordList:
    """The program's own words, and those of a practice."""
    kept = tomllib.loads(files("clinic.message.words").joinpath("replies.toml").read_text("utf-8"))
    all_of = [
        (name, text, is_welsh)
        for name in MARKS
        for is_welsh, language in ((False, "english"), (True, "welsh"))
        for text in kept[name][language]
    ]
    all_of += [(name, text, False) for name, texts in added for text in texts]
    phrases = {
        f"{name} {text}": Phrase(text.removesuffix("*"), name, expression_of(text, is_welsh))
        for name, text, is_welsh in all_of
    }
    return WordList(
        phrases=tuple(phrases.values()),
        about={},
        two_persons=frozenset(),
        anything=any_of(phrase.expression for phrase in phrases.values()),
        harmless=any_of(
            (expression_of(text, False) for text in (*kept["harmless"], *harmless)), apart=True
        ),
    )
