"""
The word list: content.toml, which a clinician owns, with what a site adds to it in its settings.

A phrase becomes an expression over folded text (folding.py): lower case, no accents; between its words may
stand whatever is no letter and no digit: "self-harm", "self harm".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from clinic.errors import CohortRefused
from clinic.message.words.folding import fold_one
from clinic.settings import Content

# What a Welsh word may begin with instead: c, g, ngh, ch
_MUTATIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "ll": ("ll", "l"), "rh": ("rh", "r"), "c": ("c", "g", "ngh", "ch"), "p": ("p", "b", "mh", "ph"),
    "t": ("t", "d", "nh", "th"), "g": ("g", "", "ng"), "b": ("b", "f", "m"), "d": ("d", "dd", "n"),
    "m": ("m", "f"),
})  # fmt: skip
BETWEEN: Final = r"[\W_]+"
_KEEP: Final = ("ch", "dd", "ff", "ng", "ph", "th")  # letters of their own, which do not mutate


@dataclass(frozen=True)
class Phrase:
    """As it is written in the list, in which class, and what finds it."""

    written: str
    subject: str
    expression: str


@dataclass(frozen=True)
class WordList:
    """
    All phrases. about: class → in a sentence; two_persons: classes that one person alone may not accept

    anything: finds a text with any phrase in it; harmless: what is taken out first
    """

    phrases: tuple[Phrase, ...]
    about: Mapping[str, str]
    two_persons: frozenset[str]
    anything: str
    harmless: str


def word_list(content: Content) -> WordList:
    """
    The list with what the settings add.

    Raises:
        CohortRefused: the settings name a class that there is not
    """
    added = tuple((one, tuple(content.add[one])) for one in sorted(content.add))
    two = None if content.two_persons is None else tuple(content.two_persons)
    return _word_list(added, tuple(content.harmless), two)


@cache
def _word_list(
    added: tuple[tuple[str, tuple[str, ...]], ...],
    harmless: tuple[str, ...],
    two_persons: tuple[str, ...] | None,
) -> WordList:
    kept = tomllib.loads(files("clinic.message.words").joinpath("content.toml").read_text("utf-8"))
    classes = {name: table for name, table in kept.items() if isinstance(table, dict)}
    _require_known([*dict(added), *(two_persons or ())], classes)
    phrases: dict[str, Phrase] = {}
    for name, table in classes.items():
        own = [(text, False) for text in (*table["english"], *dict(added).get(name, ()))]
        for text, is_welsh in (*own, *((text, True) for text in table["welsh"])):
            written = text.removesuffix("*")
            phrases.setdefault(
                f"{name} {text}", Phrase(written, name, expression_of(text, is_welsh))
            )
    return WordList(
        phrases=tuple(phrases.values()),
        about={name: table["about"] for name, table in classes.items()},
        two_persons=frozenset(
            two_persons
            if two_persons is not None
            else (name for name, table in classes.items() if table.get("two_persons"))
        ),
        anything=any_of(phrase.expression for phrase in phrases.values()),
        harmless=any_of(expression_of(text, False) for text in (*kept["harmless"], *harmless)),
    )


def _require_known(named: Iterable[str], classes: Mapping[str, object]) -> None:
    if unknown := sorted(set(named) - classes.keys()):
        raise CohortRefused(
            "content-class-unknown",
            f"content.add or content.two_persons names {', '.join(unknown)}: no class of the word list. "
            f"Those that there are: {', '.join(classes)}",
        )


def expression_of(text: str, is_welsh: bool) -> str:
    """What finds a phrase of a list. Whole words only: "rape" must not find "grape", nor "pin" "spinach"."""
    words = [_word(word) for word in text.split()]
    if is_welsh:
        words[0] = _mutated(words[0])
    return BETWEEN.join(words)


def _word(word: str) -> str:
    if word == "#":
        return r"\d+"
    ending = r"\w*" if word.endswith("*") else ""
    return re.escape(fold_one(word.removesuffix("*"))) + ending


def _mutated(word: str) -> str:
    if word.startswith(_KEEP):
        return word
    for first, ways in _MUTATIONS.items():
        if word.startswith(first):
            return f"(?:{'|'.join(ways)}){word.removeprefix(first)}"
    return word


def any_of(expressions: Iterable[str]) -> str:
    """What finds any of them."""
    # The longest first: of "test result" and "result" it is the longer that is named
    return rf"\b(?:{'|'.join(sorted(expressions, key=len, reverse=True))})\b"
