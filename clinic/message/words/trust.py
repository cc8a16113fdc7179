"""
What makes a message look like fraud: hidden links, links to strangers, no name, a reply that nobody reads.

Judged over all texts of a block at once, with trust.toml and the settings (`content.domains`,
`content.name_shown`). What is named is the program's word or stands in the template, never a list's cell.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from clinic.message.words.classes import DOMAIN, REPLY, SHORTENER, UNNAMED
from clinic.message.words.folding import Texts, fold
from clinic.message.words.judging import Hit, Places, judge
from clinic.message.words.links import hosts_of, is_within
from clinic.message.words.phrases import Phrase, WordList, any_of, expression_of
from clinic.settings import Content

_OF_LIST: Final = "a link of the list"


@dataclass(frozen=True)
class _Trust:
    """The data file as it is used."""

    shorteners: tuple[str, ...]
    replies: WordList


def judge_trust(
    texts: Texts, fixed: str, content: Content, *, name: str, replies_read: bool
) -> list[Hit]:
    """
    What a patient should not trust, in these texts.

    Args:
        fixed: the template's own words; name: the practice's
        replies_read: somebody reads what patients reply by this channel
    """
    hits = _links(texts, fixed.lower(), content)
    if not replies_read:
        hits += judge(texts, replies())
    if content.name_shown == "text":
        hits += _unnamed(texts, (name, *content.short_names))
    return hits


def replies() -> WordList:
    """What asks for a reply."""
    return _trust().replies


def _links(texts: Texts, fixed: str, content: Content) -> list[Hit]:
    own = tuple(domain.lower() for domain in content.domains)
    found: dict[tuple[str, str], list[Places]] = {}
    for host, places in hosts_of(texts).items():
        if is_within(host, own):
            continue
        short = next((one for one in _trust().shorteners if is_within(host, (one,))), None)
        named = short or (host if host in fixed else _OF_LIST)
        found.setdefault((SHORTENER if short else DOMAIN, named), []).append(places)
    return [
        Hit(Phrase(named, subject, ""), np.unique(np.concatenate(places)))
        for (subject, named), places in found.items()
    ]


def _unnamed(texts: Texts, names: Sequence[str]) -> list[Hit]:
    folded = fold(texts).to_pylist()
    known = [one for one in fold([*names]).to_pylist() if one.strip()]
    without = [place for place, text in enumerate(folded) if not any(one in text for one in known)]
    return [Hit(Phrase(names[0], UNNAMED, ""), np.array(without, np.int64))] if without else []


@cache
def _trust() -> _Trust:
    kept = tomllib.loads(files("clinic.message.words").joinpath("trust.toml").read_text("utf-8"))
    phrases = tuple(
        Phrase(text.removesuffix("*"), REPLY, expression_of(text, is_welsh))
        for text, is_welsh in (
            *((text, False) for text in kept["english"]),
            *((text, True) for text in kept["welsh"]),
        )
    )
    replies = WordList(
        phrases=phrases,
        about={},
        two_persons=frozenset(),
        anything=any_of(phrase.expression for phrase in phrases),
        harmless=any_of((expression_of(text, False) for text in kept["no_reply"]), apart=True),
    )
    return _Trust(tuple(kept["shorteners"]), replies)
