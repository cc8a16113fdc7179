"""
How many SMS segments a text takes, and where it is cut: what the networks count and charge.

    GSM-7   160 septets in one message, 153 in each of several; ^{}\\[~]|€ and form feed take two
    UCS-2    70 UTF-16 units in one,     67 in each of several; an emoji takes two
    A part of several is shorter by the header that says "2 of 3". What takes two units is never cut.

One character outside GSM-7, say the "â" of Siân, makes the whole text UCS-2. National language
tables are not used: few networks have them, and none has Welsh.
Source: 3GPP TS 23.038 §6.2.1 (alphabet), TS 23.040 §9.2.3.24.1 (concatenation).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal

GSM_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION: Final = "\f^{}\\[~]|€"

_BASIC = re.compile(f"[{re.escape(GSM_BASIC)}]*")
_GSM = re.compile(f"[{re.escape(GSM_BASIC + GSM_EXTENSION)}]*")
_TWO_SEPTETS = re.compile(f"[{re.escape(GSM_EXTENSION)}]")
_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Segments:
    """`units` are septets in GSM-7 and UTF-16 units in UCS-2; `count` is what is charged."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    count: int


@dataclass(frozen=True, slots=True)
class _Alphabet:
    """`double` finds the characters that take two units and must not be cut."""

    name: Literal["GSM-7", "UCS-2"]
    double: re.Pattern[str]
    single: int  # units in a message that stands alone
    part: int  # units in each of several


_GSM_7 = _Alphabet("GSM-7", _TWO_SEPTETS, 160, 153)
_UCS_2 = _Alphabet("UCS-2", _TWO_UNITS, 70, 67)


def count_segments(text: str) -> Segments:
    """What a text costs. An empty text is no message: 0 segments."""
    alphabet = _alphabet(text)
    units = len(text) + _doubles(text, alphabet)
    return Segments(alphabet.name, units, _count(text, alphabet, units))


def count_many(texts: Sequence[str]) -> list[int]:
    """The segments of each text."""
    counts = []
    for text in texts:
        if len(text) <= _GSM_7.single and _BASIC.fullmatch(
            text
        ):  # most texts, at a third of the time
            counts.append(1 if text else 0)
        else:
            counts.append(count_segments(text).count)
    return counts


def cut_text(text: str, *, shorter: int = 0) -> tuple[Literal["GSM-7", "UCS-2"], list[str]]:
    """
    The alphabet of a text, and the text as it is cut into parts.

    shorter: units fewer in each of several parts: 1 where their header counts them in 16 bits
    """
    alphabet = _alphabet(text)
    if len(text) + _doubles(text, alphabet) <= alphabet.single:
        return alphabet.name, [text]
    alphabet = replace(alphabet, part=alphabet.part - shorter)
    return alphabet.name, [text[a:b] for a, b in pairwise(_cuts(text, alphabet))]


def _alphabet(text: str) -> _Alphabet:
    return _GSM_7 if _GSM.fullmatch(text) else _UCS_2


def _doubles(text: str, alphabet: _Alphabet) -> int:
    """How many characters take two units."""
    if alphabet is _GSM_7 and _BASIC.fullmatch(text):
        return 0
    return len(alphabet.double.findall(text))


def _count(text: str, alphabet: _Alphabet, units: int) -> int:
    if units <= alphabet.single:
        return 1 if text else 0
    if units == len(text):  # nothing that must not be cut: parts are full
        return -(-units // alphabet.part)
    return len(_cuts(text, alphabet)) - 1


def _cuts(text: str, alphabet: _Alphabet) -> list[int]:
    """Where parts begin, and at last the end of the text."""
    cuts = [0]
    while cuts[-1] < len(text):
        cuts.append(_end_of_part(text, cuts[-1], alphabet))
    return cuts


def _end_of_part(text: str, start: int, alphabet: _Alphabet) -> int:
    """As many whole characters as fit: first as if all took one unit, then drop what is over."""
    end = min(start + alphabet.part, len(text))
    over = (end - start) + len(alphabet.double.findall(text, start, end)) - alphabet.part
    while over > 0:
        end -= 1
        over -= 2 if alphabet.double.match(text, end) else 1
    return end
