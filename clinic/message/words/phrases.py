"""
The word list: content.toml, which a clinician owns, with what a site adds to it in its settings.

A phrase becomes an expression over folded text (folding.py): lower case, no accents; between its words may
stand whatever is no letter and no digit: "self-harm", "self harm", however the list itself writes it.
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
ANY_END: Final = r"\w*"
# Between words of a phrase, whatever a list writes there
_PUNCTUATION: Final = re.compile(r"[-‐-―'‘’ʼ`\"“”/\\.,:;!?()\[\]{}_|·]+")
# Letters, digits and groups of them, as opposed to letters of other alphabets and signs
_BEGINS_PLAIN: Final = re.compile(r"[a-z0-9(\[]|\\d")
_ENDS_PLAIN: Final = re.compile(r"(?:[a-z0-9]|(?<!\\)[)}\]]|\\d\+)$")
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
        harmless=any_of(
            (expression_of(text, False) for text in (*kept["harmless"], *harmless)), apart=True
        ),
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
    words = [_word(word) for word in _PUNCTUATION.sub(" ", text).split()]
    if is_welsh:
        words[0] = _mutated(words[0])
    return BETWEEN.join(words)


def _word(word: str) -> str:
    ending = ANY_END if word.endswith("*") else ""
    parts = word.removesuffix("*").split("#")
    return r"\d+".join(re.escape(fold_one(part)) for part in parts) + ending


def _mutated(word: str) -> str:
    if word.startswith(_KEEP):
        return word
    for first, ways in _MUTATIONS.items():
        if word.startswith(first):
            return f"(?:{'|'.join(ways)}){word.removeprefix(first)}"
    return word


def any_of(expressions: Iterable[str], *, apart: bool = False) -> str:
    """
    What finds any of them.

    To RE2 only ASCII makes words: "рак" has no edges, nor has the end of "50%". None is asked for there,
    and such a word is found within a longer one too.

    Args:
        apart: of such a word too, the letters of longer ones are looked at: for what is taken out before
            anything is looked for, which must not be too much
    """
    # The longest first: of "test result" and "result" it is the longer that is named
    by_edges: dict[tuple[str, str], list[str]] = {}
    for one in sorted(expressions, key=len, reverse=True):
        by_edges.setdefault(_edges(one, apart), []).append(one)
    if not by_edges:
        return r"\b\B"  # is in no text
    return "|".join(f"{begin}(?:{'|'.join(own)}){end}" for (begin, end), own in by_edges.items())


def _edges(expression: str, apart: bool) -> tuple[str, str]:
    begin = end = r"\b"
    if not _BEGINS_PLAIN.match(expression):
        begin = "(?:^|[^\\p{L}\\p{N}])" if apart and expression[:1].isalnum() else ""
    bare = expression.removesuffix(ANY_END)
    if not _ENDS_PLAIN.search(bare):
        end = (
            "(?:$|[^\\p{L}\\p{N}])" if apart and bare == expression and bare[-1:].isalnum() else ""
        )
    return begin, end
