"""
What looks like marketing in messages that are for something else, and marketing that does not say how to stop.

Messages that are needed for the public task are none, whatever they are about; offers, paid services and
fundraising are, and go to who consented alone (marketing.toml). In English and Welsh, over all texts of a
block at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinic.message.words.classes import MARKETING, UNSTOPPED
from clinic.message.words.folding import Texts, as_array
from clinic.message.words.judging import Hit, judge
from clinic.message.words.phrases import Phrase, WordList, any_of, expression_of
from clinic.values.purposes import needs_consent

# A sign is between no words, and no phrase could begin with it
SIGNS: Final = (("£", " pounds "), ("%", " percent "))


@dataclass(frozen=True)
class _Words:
    """The data file as it is used."""

    sells: WordList
    stops: WordList


def judge_marketing(texts: Texts, purpose: str) -> list[Hit]:
    """
    What these texts should not say for this purpose; of marketing, which of them do not say how to stop.
    """
    spelled = _spelled(texts)
    if not needs_consent(purpose):
        return judge(spelled, sells())
    said = [hit.places for hit in judge(spelled, _words().stops)]
    left = np.setdiff1d(np.arange(len(texts), dtype=np.int64), np.concatenate(said) if said else [])
    return [Hit(Phrase("", UNSTOPPED, ""), left.astype(np.int64))] if len(left) else []


def sells() -> WordList:
    """What looks like marketing."""
    return _words().sells


def _spelled(texts: Texts) -> pa.StringArray:
    spelled = as_array(texts)
    for sign, word in SIGNS:
        spelled = pc.replace_substring(spelled, pattern=sign, replacement=word)
    return spelled


@cache
def _words() -> _Words:
    kept = tomllib.loads(
        files("clinic.message.words").joinpath("marketing.toml").read_text("utf-8")
    )
    welsh = [(text, True) for text in kept["welsh"]]
    sells = [*((text, False) for text in kept["english"]), *welsh]
    return _Words(
        _list_of(sells, kept["harmless"], MARKETING),
        _list_of([(text, False) for text in kept["stop"]], kept["no_stop"], UNSTOPPED),
    )


def _list_of(found: Iterable[tuple[str, bool]], harmless: Iterable[str], subject: str) -> WordList:
    phrases = tuple(
        Phrase(text.removesuffix("*"), subject, expression_of(text, is_welsh))
        for text, is_welsh in found
    )
    return WordList(
        phrases=phrases,
        about={},
        two_persons=frozenset(),
        anything=any_of(phrase.expression for phrase in phrases),
        harmless=any_of((expression_of(text, False) for text in harmless), apart=True),
    )
