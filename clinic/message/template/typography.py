"""
Typographic characters that word processors put in, and what a character costs in a text.

One curly quote makes a text of 160 characters three segments instead of one. `plain` swaps what has
a twin on every phone. It never touches a letter: Siân stays Siân and ŵ stays ŵ, because a name
spelt wrong costs more than a segment; `price_of_letters` says what they cost.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clinic.gateway.segments import GSM_BASIC, GSM_EXTENSION, count_many, count_segments

_TWINS: Final[dict[str, str]] = {
    "'": "‘’‚‛′´`ʼ‹›",
    '"': "“”„‟″«»",
    "-": "‐‑‒–—―−",
    "*": "•‣◦",
    " ": "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "\n": "\u2028\u2029\u0085\v",
    "": "\u00ad\u200b\u2060\ufeff",  # seen by nobody. Joiners stay: some scripts and emoji need them
    "...": "…",
    "x": "×",
    "/": "⁄∕÷",
    "1/2": "½",
    "1/4": "¼",
    "3/4": "¾",
}  # fmt: skip

_TABLE: Final = {ord(odd): twin for twin, odds in _TWINS.items() for odd in odds}
_ODD: Final = re.compile(f"[{_TWINS['']}]+|[{re.escape(''.join(map(chr, _TABLE)))}]")
_FRACTIONS: Final = "½¼¾"
_SLASHES: Final = frozenset("/⁄∕÷")
_DASHES: Final = "‐‑‒–—―"  # not the minus, which is a sign already
_OF_NUMBERS: Final = frozenset("+-−.,:/" + _DASHES)
_STAY_IN_NUMBERS: Final = frozenset("•‣◦‹›")  # 3•5 is no 3*5, and 5›6 no 5'6
_OUTSIDE_GSM = re.compile(f"[^{re.escape(GSM_BASIC + GSM_EXTENSION)}]")


@dataclass(frozen=True, slots=True)
class LettersPrice:
    """
    What characters outside the phone alphabet cost a campaign.

    messages: that have any
    segments: of all messages
    without: segments of all messages if each such character counted as an ordinary one
    """

    messages: int
    segments: int
    without: int


def plain(text: str) -> str:
    """
    The text with typographic characters swapped for plain ones.

    Quotes, dashes, bullets, ellipsis, fractions and odd spaces; letters and emoji stay. An accent
    written as a character of its own is joined to its letter: the same text in fewer units. No two
    numbers are joined and none is given a sign: 2½ becomes 2 1/2, and what would do so stays as it was.
    """
    return _rewrite(text, None)


def count_rewritten(texts: Iterable[str]) -> Counter[str]:
    """In how many of these texts each typographic character gives way: those before `plain`."""
    total: Counter[str] = Counter()
    for text in texts:
        found: set[str] = set()
        _rewrite(text, found)
        total.update(found)
    return total


def say_rewritten(counts: Mapping[str, int]) -> Iterator[str]:
    """Each character that gave way and what stands for it, most first: "½ is written 1/2 in 12 messages"."""
    for odd, messages in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        twin = _TABLE[ord(odd)].strip()
        what = (
            odd
            if odd.isprintable() and odd.strip()
            else unicodedata.name(odd, "control character").lower()
        )
        how = f"is written {twin}" if twin else "is written as a space or line end, or left out"
        yield f"{what} {how} in {messages:,} messages"


def _rewrite(text: str, found: set[str] | None) -> str:
    if text.isascii() and "`" not in text and "\t" not in text and "\v" not in text:
        return text

    def swap(match: re.Match[str]) -> str:
        twin = _twin(match)
        if found is not None and twin != match[0]:
            found.add(match[0][0])
        return twin

    # Twice, for what stood between letter and accent, or beside a number, may be gone
    once = _ODD.sub(swap, unicodedata.normalize("NFC", text))
    return unicodedata.normalize("NFC", _ODD.sub(swap, unicodedata.normalize("NFC", once)))


def _twin(match: re.Match[str]) -> str:
    """What one character becomes where it stands, with a space where numbers would run together."""
    text, odd = match.string, match[0]
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    twin = _TABLE[ord(odd[0])]
    if not twin:  # between parts of a number even what nobody sees stays
        return odd if _of_number(before) and _of_number(after) else ""
    if odd in _FRACTIONS:
        left = " " if before.isnumeric() or before in _SLASHES | {".", ","} else ""
        runs_on = after in _SLASHES or (after.isnumeric() and after not in _FRACTIONS)
        return left + twin + (" " if runs_on else "")
    if odd in _DASHES and after.isnumeric() and not before.isnumeric():
        if odd in "‐‑":
            return twin if before.isalpha() else odd
        return " - " if before.isalpha() else odd
    if odd in _STAY_IN_NUMBERS and before.isnumeric() and after.isnumeric():
        return odd
    return "... " if twin == "..." and after.isnumeric() else twin


def _of_number(character: str) -> bool:
    return character.isnumeric() or character in _OF_NUMBERS


def letters_outside(text: str) -> tuple[str, ...]:
    """The characters that are not in the phone alphabet, each once: one of them makes every segment shorter."""
    return tuple(dict.fromkeys(_OUTSIDE_GSM.findall(text)))


def price_of_letters(texts: Sequence[str]) -> LettersPrice:
    """What a "Siân" among the patients costs, over all rendered messages."""
    with_any = [text for text in texts if _OUTSIDE_GSM.search(text)]
    saved = sum(count_segments(text).count - _if_ordinary(text) for text in with_any)
    segments = sum(count_many(texts))
    return LettersPrice(len(with_any), segments, segments - saved)


def _if_ordinary(text: str) -> int:
    return count_segments(_OUTSIDE_GSM.sub("x", text)).count
