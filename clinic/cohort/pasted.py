"""Ids pasted into a form: one patient each, in the order given (ALC-12)."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator

from stdnum.gb import nhs

from clinic.errors import ListRefused

MOST_IDS = 1_000_000
# The blanks that spreadsheets and web pages print NHS numbers with
_BLANK = " \xa0\u2007\u202f"
# The first alternative: an NHS number as it is printed, 3-3-4, is one id and not three
_ID = re.compile(rf"(?<![^\s,;|])\d{{3}}[{_BLANK}]\d{{3}}[{_BLANK}]\d{{4}}(?![^\s,;|])|[^\s,;|]+")
# Alone between two commas, tabs or lines it is one even if its check digit is wrong: NHS numbers begin so
_ALONE = re.compile(rf"[4-9]\d{{2}}[{_BLANK}]+\d{{3}}[{_BLANK}]+\d{{4}}")
_PARTED = re.compile(r"[,;|\t\r\n\v\f]+")
# ="999…" is how Excel writes a number that is to stay text; '999… is how it shows one
_QUOTES = re.compile(
    "=?[\"\u201c\u201d\u201e\u00ab\u00bb]|(?<![^\\s,;|])['\u2018\u2019]|['\u2019](?![^\\s,;|])"
)


def pasted_ids(text: str) -> list[str]:
    """
    The ids in a text, separated by commas, semicolons, spaces or new lines.

    The order is kept, and so are repeated ids: each gets an outcome of its own. Quotation marks, a byte
    order mark and other characters that nobody sees are taken off. "943 476 5919" is one id when its
    check digit is right for an NHS number, or when it stands alone on its line or in its cell.

    Raises:
        ListRefused: none at all, or more than 1,000,000
    """
    ids = list(itertools.islice(ids_of(text), MOST_IDS + 1))
    if len(ids) > MOST_IDS:
        raise ListRefused(
            "pasted-too-many",
            f"The pasted text holds more than {MOST_IDS:,} ids. "
            "Split it, or put the ids in a file with the heading 'NHS Number'.",
        )
    if not ids:
        raise ListRefused(
            "pasted-empty",
            "The pasted text holds no ids. Paste NHS numbers or local ids, "
            "separated by commas, spaces or new lines.",
        )
    return ids


def ids_of(text: str) -> Iterator[str]:
    """The same, none or however many."""
    for part in _PARTED.split(_QUOTES.sub(" ", _seen(text))):
        yield from _ids_in(part.strip())


def _seen(text: str) -> str:
    """Without the characters that have no width, such as a byte order mark."""
    if text.isascii():
        return text
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


def _ids_in(part: str) -> Iterator[str]:
    """The ids between two commas or line ends, where only blanks part them."""
    if _ALONE.fullmatch(part):
        yield part
        return
    place = 0
    while found := _ID.search(part, place):
        one = found.group()
        if (
            len(one) > 3
            and one[3] in _BLANK
            and not nhs.is_valid("".join(filter(str.isdecimal, one)))
        ):
            one = one[:3]
        place = found.start() + len(one)
        yield one
