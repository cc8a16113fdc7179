"""
Whether messages say when the practice can be reached, and whom to call when it is urgent or closed.

Asked of the classes of templates that the settings name (`content.hours_for`, `content.urgent_help_for`): a
result that is read on Friday night makes somebody ring, and they must know whom. In English and Welsh, over all
texts of a block at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinic.message.words.classes import HOURS, URGENT_HELP
from clinic.message.words.folding import Texts, fold
from clinic.message.words.judging import Hit
from clinic.message.words.phrases import Phrase
from clinic.settings import Content

_CLOCK: Final = (
    r"\d{1,2}(?:[:.]\d\d)? ?"
    r"(?:[ap]\.? ?m\b\.?|yb\b|yh\b|y bore|y prynhawn|yr hwyr|noon|o'?r gloch)|\d{1,2}[:.]\d\d"
    r"|\bnoon\b|\bmidday\b"
)
_TO: Final = r" ?(?:-|–|—|to|until|till|and|tan|hyd at|hyd|a|i) ?"
_OPEN: Final = (
    r"\b(?:open|opening|hours|lines?|weekdays?|mon(?:day)?s?|reception"
    r"|agor|oriau|llun|dyddiau|derbynfa)\b"
)
_NUMBER: Final = r"\d{1,2}(?:[:.]\d\d)?"
_PLAIN_CLOCK: Final = r"\b[012]\d(?:00|15|30|45) ?(?:hrs?\b|h\b)?"
# 8am to 6.30pm; 8.00 a.m. to 6.30 p.m.; open 8 to 6; 0800-1830; round the clock
_HOURS: Final = (
    rf"(?:(?:{_CLOCK}){_TO}(?:{_CLOCK}|{_NUMBER}\b)|\b{_NUMBER}{_TO}(?:{_CLOCK})"
    rf"|{_OPEN}.{{0,60}}?\b{_NUMBER}{_TO}{_NUMBER}\b"
    rf"|{_PLAIN_CLOCK}{_TO}{_PLAIN_CLOCK}\b|\b24 ?/ ?7\b|\b24 hours\b|\b24 awr\b)"
)


def _called(number: str) -> str:
    """The number by itself, and not as a part of a longer one: 0117 111 999 is none of them."""
    return rf"(?:^|[^\d +]) ?{number}(?:$|[^\d ]| (?:$|[^\d]))"


def judge_reachable(texts: Texts, classes: Iterable[str], content: Content) -> list[Hit]:
    """What these texts lack that their template's classes ask for."""
    own = set(classes)
    hits = []
    if own & set(content.hours_for):
        hits += _without(fold(texts), [_HOURS], HOURS)
    if own & set(content.urgent_help_for):
        hits += _without(fold(texts), [_called("111"), _called("999")], URGENT_HELP)
    return hits


def _without(folded: pa.StringArray, wanted: Sequence[str], subject: str) -> list[Hit]:
    """The texts in which one of these is not found."""
    lacks = np.zeros(len(folded), dtype=bool)
    for expression in wanted:
        found = pc.match_substring_regex(folded, pattern=expression)
        lacks |= ~np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)
    places = np.flatnonzero(lacks).astype(np.int64)
    return [Hit(Phrase("", subject, ""), places)] if len(places) else []
