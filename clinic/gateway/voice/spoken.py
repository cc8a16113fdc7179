"""
How long a call speaks: what is charged of one, as segments are of a text.

About 150 words a minute, as slow as a clear voice speaks; digits are read one by one ("oh seven seven …"), and
long words take longer. It is an estimate: what is billed is how long the line was open, by the minute begun.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from clinic.gateway.segments import count_many

_WORD: Final = re.compile(r"\d|[^\W\d]+")
WORDS_A_MINUTE: Final = 150
_LETTERS_A_SECOND: Final = 15.0
SPOKEN: Final = "spoken"  # where a text has an alphabet
_UNITS: Final = {"sms": "segment", "voice": "minute"}
CHARGED: Final = frozenset(_UNITS)  # channels of which each message has a price by its length


def spoken_seconds(text: str) -> float:
    """How long a voice needs for a text, about."""
    words = _WORD.findall(text)
    letters = sum(map(len, words))
    return max(60 * len(words) / WORDS_A_MINUTE, letters / _LETTERS_A_SECOND)


def count_charged(channel: str, texts: Sequence[str]) -> list[int]:
    """Of each text the segments (sms), the minutes begun (voice), or 0: no other channel charges by length."""
    if channel == "voice":
        return [int(-(-spoken_seconds(text) // 60)) for text in texts]
    return count_many(texts) if channel == "sms" else [0] * len(texts)


def unit_of(channel: str) -> str:
    """What a message of this channel is charged by, in the singular."""
    return _UNITS.get(channel, "segment")
