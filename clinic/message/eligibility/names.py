"""
The names of a list against those of the record (NEW-24).

Unlike is a row whose names have nothing in common with the patient's: no given name, no family name. So
whoever married, is known by another name, stands with initials, in another order or without accents is
alike. Spellings are too: John and Jon, Smith and Smyth, Mohammed and Muhammad.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

import pandas as pd

from clinic.values.text import as_strings, judge_each_once

NAME_FIELDS = ("given_name", "family_name", "full_name")
_TITLES = frozenset("mr mrs ms miss mx dr prof professor rev sir dame lady lord master".split())
_SOUNDS = (("ph", "f"), ("ck", "k"), ("c", "k"), ("q", "k"), ("z", "s"), ("v", "f"), ("j", "y"))


def unlike_names(given: Mapping[str, pd.Series[str]], known: pd.DataFrame) -> pd.Series[bool]:
    """
    Which rows name somebody else than their patient; one without a name on either side does not.

    Args:
        given: the list's cells by field, those of NAME_FIELDS that it has
        known: `given_name` and `family_name` of the row's patient, empty where there is none; same index
    """
    result = pd.Series(False, known.index, dtype=bool)
    given, known = _not_the_same(given, known)
    if known.empty:
        return result
    listed = _joined([given[name] for name in NAME_FIELDS if name in given], known.index)
    texts = [
        listed,
        *(_joined([known[name]], known.index) for name in ("given_name", "family_name")),
    ]
    asked = (listed != "") & (listed != texts[1] + " " + texts[2])
    whole = (texts[0] + "\n" + texts[1] + "\n" + texts[2])[asked]
    judged = judge_each_once(whole, _judge, columns=["unlike"])["unlike"].eq("yes")
    result[judged.index] = judged
    return result


def _not_the_same(
    given: Mapping[str, pd.Series[str]], known: pd.DataFrame
) -> tuple[Mapping[str, pd.Series[str]], pd.DataFrame]:
    """Those rows that are not written as the record has them, which are few."""
    both = ("given_name", "family_name")
    if set(given) != set(both):
        return given, known
    first, last = (
        given[name].to_numpy(dtype=object) != known[name].to_numpy(dtype=object) for name in both
    )
    other = first | last
    return {name: cells[other] for name, cells in given.items()}, known[other]


def _joined(parts: list[pd.Series[str]], index: pd.Index[int]) -> pd.Series[str]:
    whole = pd.Series("", index=index, dtype="str")
    for part in parts:
        whole = whole + " " + as_strings(part).str.replace("\n", " ")
    return whole.str.strip()


def _judge(names: str) -> tuple[str]:
    listed, given, family = (_words(part) for part in names.split("\n"))
    recorded = given | family
    if not listed or not recorded or listed & recorded:
        return ("",)
    whole = {word for word in recorded if len(word) > 1}
    if {_sound(word) for word in listed if len(word) > 1} & {_sound(word) for word in whole}:
        return ("",)
    if any(_begins(one, other) for one in listed for other in whole if len(one) > 2):
        return ("",)
    # An initial stands for a given name, on either side
    initials = {word for word in listed if len(word) == 1}
    theirs = {word for word in given if len(word) == 1}
    if initials & {word[0] for word in given} or theirs & {word[0] for word in listed}:
        return ("",)
    return ("yes",)


def _begins(one: str, other: str) -> bool:
    """Alex and Alexander are alike by this; Liz and Elizabeth are not."""
    short, long = sorted((one, other), key=len)
    return len(short) >= 3 and long.startswith(short)


def _words(name: str) -> set[str]:
    """Its words as plain lower-case letters, without titles; an apostrophe or hyphen parts nothing off."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("ß", "ss"))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    plain = plain.replace("ø", "o").replace("ł", "l").replace("æ", "ae").replace("đ", "d")
    words = {re.sub(r"\W", "", word) for word in re.split(r"[\s,;/()-]+", plain)}
    return words - _TITLES - {""}


def _sound(word: str) -> str:
    """Its consonants as they sound: a spelling that somebody heard has the same."""
    for written, heard in _SOUNDS:
        word = word.replace(written, heard)
    first, rest = word[:1], re.sub(r"[aeiouhwy]", "", word[1:])
    return re.sub(r"(.)\1+", r"\1", first + rest)
