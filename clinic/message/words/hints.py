"""
In which texts a phrase may be, told by one word of each: the one that is seldom in everyday texts.

An expression of 700 whole phrases takes as long to make as to look for in 15,000 texts, and is made again for
each block of them. One word each is a fifth as long, and almost no text has one of them.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinic.message.words.folding import fold
from clinic.message.words.phrases import ANY_END, BETWEEN

_EDGE: Final = r"(?:\b|_)"  # an underscore parts words too
_PLAIN: Final = re.compile(r"[a-z0-9]")
# A letter or digit is first, whichever it may begin with: there, and there alone, is an edge
_BEGINS: Final = re.compile(r"(?:\(\?:[a-z|]+\))?[a-z0-9]")
_NUMBER: Final = r"\d+"


def hint_of(expressions: Iterable[str], often: Collection[str] = ()) -> str:
    """
    What is in every folded text that has one of these phrases, and in few others.

    Args:
        expressions: as `expression_of` makes them
        often: words that tell nothing, as most texts that are looked through have one of them
    """
    common = [*often, *(word + ANY_END for word in often)]
    words = {
        min(one.split(BETWEEN), key=lambda word: (word in common, *_seldom(word)))
        for one in expressions
    }
    whole, begun, others = list[str](), list[str](), list[str]()
    for word in sorted(words):
        if not _BEGINS.match(word):
            others.append(word)
        elif _PLAIN.match(word[-1]):
            whole.append(word)
        else:
            begun.append(word.removesuffix(ANY_END))
    parts = [f"(?:{'|'.join(whole)}){_EDGE}"] if whole else []
    inside = "|".join([*parts, *begun])
    return "|".join([*([f"{_EDGE}(?:{inside})"] if inside else []), *others])


def places_with(
    texts: pa.StringArray, expression: str
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Of the texts in which it is found; none are asked for nothing, which making the expression would cost."""
    if not len(texts):
        return np.empty(0, np.int64)
    found = pc.match_substring_regex(texts, pattern=expression)
    return np.flatnonzero(found.to_numpy(zero_copy_only=False)).astype(np.int64)


def _seldom(word: str) -> tuple[float, int]:
    """The less, the fewer everyday texts have it; then, the longer it is. A number is in most."""
    if word == _NUMBER:
        return float("inf"), 0
    bare = word.removesuffix(ANY_END)
    return (_everyday() if bare == word else _everyday_beginnings())[bare], -len(bare)


@cache
def _everyday() -> Counter[str]:
    """How many everyday texts have a word."""
    kept = files("clinic.message.words").joinpath("examples-everyday.csv").read_text("utf-8")
    texts = fold([row["text"] for row in csv.DictReader(kept.splitlines())]).to_pylist()
    return Counter(word for text in texts for word in set(re.findall(r"[a-z0-9]+", text)))


@cache
def _everyday_beginnings() -> Counter[str]:
    """The same of what words begin with."""
    found: Counter[str] = Counter()
    for word, count in _everyday().items():
        found.update({word[:end]: count for end in range(1, len(word) + 1)})
    return found
