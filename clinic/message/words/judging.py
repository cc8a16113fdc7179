"""
Which texts have words that patients should not be sent without a person's yes, and which words.

    texts ─► folded ─► any phrase at all? ─► of those few: harmless wordings out ─► the first phrase, the next …

All in columns: RE2 finds "any of 700 phrases" in 100,000 texts in about the time of writing them, and only
texts in which something is found are looked at again, once for each phrase of the text that has most. The
phrase that is named is the list's, never the text's, so that no patient's words are in what is kept or logged.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinic.message.words.folding import Texts, fold
from clinic.message.words.phrases import Phrase, WordList, any_of

_OUT = " | "  # in the place of what was found: no word goes on over it
_ONE_BY_ONE = 6
_MOST_TURNS = 40  # what one text has besides says nothing more

Places: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"


@dataclass(frozen=True)
class Hit:
    """A phrase, and the places of the texts that have it."""

    phrase: Phrase
    places: Places


def judge(texts: Texts, words: WordList) -> list[Hit]:
    """Every phrase that is in one of the texts, in the order of the word list."""
    folded = fold(texts)
    if not len(folded):
        return []
    places = np.flatnonzero(_has(folded, words.anything)).astype(np.int64)
    if not len(places):
        return []  # an expression of 700 phrases costs as much to make as to look for in 10,000 texts
    left = _without(folded.take(pa.array(places)), words.harmless)
    found: dict[Phrase, list[Places]] = {}
    for turn in range(_MOST_TURNS):
        still = _has(left, words.anything)
        left, places = left.filter(pa.array(still)), places[still]
        if not len(left):
            break
        # A campaign's own words are in every text, so the first one names them; what a list's cells say
        # is another in each, and is taken out of all at once
        if turn < _ONE_BY_ONE:
            match = re.search(words.anything, left[0].as_py(), re.ASCII)
            assert match is not None  # RE2 has just found it there
            phrase = _named(match.group(), words)
            alone = any_of([phrase.expression])
            found.setdefault(phrase, []).append(places[_has(left, alone)])
            left = _without(left, alone)
        else:
            for matched, own in _first(left, words).items():
                found.setdefault(_named(matched, words), []).append(places[own])
            left = _without(left, words.anything, most=1)
    order = {phrase: number for number, phrase in enumerate(words.phrases)}
    return [
        Hit(phrase, np.unique(np.concatenate(found[phrase])))
        for phrase in sorted(found, key=order.__getitem__)
    ]


def _first(texts: pa.StringArray, words: WordList) -> dict[str, Places]:
    """The first that is found in each text, with the places of the texts where it is that."""
    matched = pc.struct_field(pc.extract_regex(texts, pattern=f"(?P<it>{words.anything})"), "it")
    coded = matched.dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    names = coded.dictionary.to_pylist()
    return {name: np.flatnonzero(codes == code) for code, name in enumerate(names)}


def _named(matched: str, words: WordList) -> Phrase:
    """The most exact of those that mean it: "relapse prevention" and not "relapse*"."""
    longest_first = sorted(words.phrases, key=lambda one: -len(one.written))
    return next(one for one in longest_first if _whole(one.expression).fullmatch(matched))


@functools.cache
def _whole(expression: str) -> re.Pattern[str]:
    """Python keeps 512 expressions, and there are more phrases: each would be compiled for each text."""
    return re.compile(expression, re.ASCII)


def _has(texts: pa.StringArray, expression: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found = pc.match_substring_regex(texts, pattern=expression)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _without(texts: pa.StringArray, expression: str, most: int | None = None) -> pa.StringArray:
    return pc.replace_substring_regex(
        texts, pattern=expression, replacement=_OUT, max_replacements=most
    )
