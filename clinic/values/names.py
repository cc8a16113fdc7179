"""
A whole name in one column, taken apart only where that is no guess.

    LLWYD, Siân (Ms)        family name before the comma, title in brackets
    Mrs Ann Jones           a title is no given name
    Ann van der Berg        a family name keeps its particles
    Ann Jones Jr            nor is what follows a family name a name of its own
    Suharto                 one word is the family name, and there is no given name
    Mr & Mrs Smith, JONES Ann, Ann Smith (deceased)   not understood: whole, as a family name
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import pandas as pd

from clinic.values.text import as_strings, judge_each_once

PARTS: Final = ("title", "given_name", "family_name")
_TITLES: Final = frozenset(
    "mr mrs ms miss mx dr prof professor rev revd reverend sir dame lady lord master fr sr".split()
)
# Words that begin a family name of several words, and never end one
_PARTICLES: Final = frozenset(
    "van von der den de del della di da dos das du la le ten ter te zu bin ibn bint al el st ap ab"
    " mac mc o".split()
)
_SUFFIXES: Final = frozenset("jr jnr snr ii iii iv obe mbe cbe phd".split())
# Two people, or what is no name: nobody is greeted by a part of it
_NOT_ONE_NAME: Final = re.compile(
    r"[&+/@\d;]|,.*,|\b(and|deceased|dec'?d|died|rip|late|do not|unknown|baby|twin)\b",
    re.IGNORECASE,
)
# What accented letters become when another encoding is read as Windows-1252 (‰, Ã©), or are lost to.
# JOÃO and Mª José are names
_ODD: Final = (
    "[\u2030\u0192\u201e\u2026\u2020\u2021\u02c6\u2122\u00a1-\u00a9\u00ab-\u00b6\u00b8\u00b9\u00bb-\u00bf"
    "\u00d7\u00f7\ufffd]|\u00c3[^A-Za-z\u00c0-\u024f' \u2019.-]"
)
_ODD_SIGN: Final = re.compile(_ODD)


def has_odd_sign(name: str) -> bool:
    """Whether a name holds a sign that names do not have: its encoding was read wrongly."""
    return _ODD_SIGN.search(name) is not None


def split_names(wholes: pd.Series[str]) -> pd.DataFrame:
    """Title, given name and family name of each whole name, "" where there is none. Same index."""
    return judge_each_once(as_strings(wholes), _split, columns=PARTS)


def doubtful_names(columns: Mapping[str, pd.Series[str]]) -> pd.Series[bool]:
    """Rows with a sign in a name that names do not have, so that its encoding was read wrongly."""
    first, *others = (
        as_strings(columns[name]).str.contains(_ODD)
        for name in ("given_name", "family_name", "full_name")
    )
    for found in others:
        first = first | found
    return first


def _split(whole: str) -> tuple[str, str, str]:
    if _is_beyond(whole):
        return "", "", " ".join(whole.split())
    bracket = re.search(r"\s*\(([^()]*)\)\s*$", whole)
    title = bracket[1].strip() if bracket and _is_title(bracket[1]) else ""
    # In brackets may stand a title, or a name by which somebody is known: that is no family name
    text = whole[: bracket.start()] if bracket else whole
    if "," in text:
        family, _, rest = text.partition(",")
        words = rest.split()
    else:
        family, words = "", text.split()
    while words and _is_title(words[0]) and (family or len(words) > 1):
        title = title or words[0]
        words = words[1:]
    if not family:
        at = _family_at(words)
        family, words = " ".join(words[at:]), words[:at]
    return title, " ".join(words), " ".join(family.split())


def _is_beyond(whole: str) -> bool:
    """Whether nobody can tell by rule which part of it is which."""
    if _NOT_ONE_NAME.search(whole):
        return True
    words = [word for word in whole.split() if not _is_title(word)]
    # JONES Ann: capitals are how a family name is told from the others, and it stands first
    shouted = [word.isupper() and len(word) > 2 and word.isalpha() for word in words]
    return "," not in whole and len(words) > 1 and shouted[0] and not shouted[-1]


def _is_title(word: str) -> bool:
    return word.strip(" .").casefold() in _TITLES


def _family_at(words: list[str]) -> int:
    """Where the family name begins: at its particles, never at the first of several words."""
    at = max(len(words) - 1, 0)
    if at > 1 and words[at].strip(".").casefold() in _SUFFIXES:
        at -= 1
    while at > 1 and words[at - 1].strip("'\u2019").casefold() in _PARTICLES:
        at -= 1
    return at
