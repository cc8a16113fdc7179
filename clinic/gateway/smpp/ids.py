"""
An SMSC's id of a message, as different SMSCs spell it in the answer and in the receipt.

`0000001A`, `1a` and `26` may all be the same one: padded or not, in capitals or not, and some answer in
hexadecimal and tell receipts in decimal, or the other way. One form is kept (`canonical`); a receipt is looked
for under every other that its id could stand for (`spellings`). Which message is meant is decided where the
messages are, and never guessed when two could be (clinic/message/parts.py).
"""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 65  # SMPP 3.4 §5.2.23, and one octet to spare
_DECIMAL: Final = re.compile(r"\d{1,30}")
_HEXADECIMAL: Final = re.compile(r"[\da-f]{1,25}")


def canonical(given: str) -> str:
    """An id without padding and capitals; empty: it is none."""
    text = "".join(filter(str.isprintable, given)).strip().lower()[:LONGEST]
    return text.lstrip("0") or text[:1]


def spellings(kept: str) -> tuple[str, ...]:
    """The canonical ids that an id in a receipt may stand for, itself first."""
    found = [kept]
    if _DECIMAL.fullmatch(kept):
        found.append(f"{int(kept):x}")
    if _HEXADECIMAL.fullmatch(kept):
        found.append(str(int(kept, 16)))
    return tuple(dict.fromkeys(one for one in found if one))
