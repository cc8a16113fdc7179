"""
Whether a reason says no more than that somebody did not answer, and by one channel alone.

Who does not answer a text may have another number, no credit, no English, or be in hospital: they are asked
another way before they are discharged. The words are data, which a clinician owns: silence.toml; a practice
adds to them (`silence.add`).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from clinic.settings import Silence

_BETWEEN: Final = r"[\W_]+"
_PROGRAMS: Final = Silence()


@dataclass(frozen=True)
class _Words:
    """The data file as it is used."""

    silence: re.Pattern[str]
    more: re.Pattern[str]
    channels: Mapping[str, re.Pattern[str]]


def silent_channels(reason: str, added: Silence = _PROGRAMS) -> frozenset[str] | None:
    """
    The channels that a reason names, where it tells of silence and of nothing else; else None.

    Nothing named is as good as one: nobody says that another way was tried.
    """
    own = tuple((name, tuple(phrases)) for name, phrases in sorted(added.add.items()))
    words, said = _words(own), _folded(reason)
    if not words.silence.search(said) or words.more.search(said):
        return None
    return frozenset(name for name, any_of in words.channels.items() if any_of.search(said))


def is_silence_on_one_channel(reason: str, added: Silence = _PROGRAMS) -> bool:
    """
    Whether somebody should look a second time before patients are discharged for that.

    added: a practice's own words, besides the program's
    """
    named = silent_channels(reason, added)
    return named is not None and len(named) < 2


@cache
def _words(added: tuple[tuple[str, tuple[str, ...]], ...]) -> _Words:
    text = files("clinic.change.review").joinpath("silence.toml").read_text("utf-8")
    kept = tomllib.loads(text)
    more = dict(added)
    channels = {
        name: _any_of((*phrases, *more.get(name, ()))) for name, phrases in kept["channels"].items()
    }
    silence, told = ((*kept[name], *more.get(name, ())) for name in ("silence", "more"))
    return _Words(_any_of(silence), _any_of(told), channels)


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(_expression, phrases))})\b")


def _expression(phrase: str) -> str:
    words = _folded(phrase).split()
    return _BETWEEN.join(
        r"\d+" if w == "#" else re.escape(w.removesuffix("*")) + r"\w*" * w.endswith("*")
        for w in words
    )


def _folded(text: str) -> str:
    """Lower case, without accents and apostrophes."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"['’`]", "", plain)
