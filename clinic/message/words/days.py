"""
Words that mean another day when they are read on another day: today, tomorrow, Monday.

Judged in the template's own words: what the record or a visit puts in is worked out for the day itself. A
weekday with its date ("Monday 14 December"), opening hours ("Monday to Friday") and "call us today" stay right.
"""

from __future__ import annotations

import re
from typing import Final

from clinic.message.words.folding import fold_one

_WEEKDAY: Final = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:d?dydd|nos) (?:llun|lun|mawrth|fawrth|mercher|fercher|iau|gwener|wener|sadwrn|sul))"
)
_DAY: Final = (
    rf"today|tonight|tomorrow|this (?:morning|afternoon|evening)|heddiw|heno|yfory|{_WEEKDAY}"
)
_ASKS: Final = (
    r"(?:call|ring|phone|contact|book|register|reply|visit us|ffoniwch|cysylltwch|bwciwch)"
)
_SHORT: Final = r"(?:mon|tues?|wed|thu(?:rs)?|fri|sat|sun)"
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_HARMLESS: Final = re.compile(
    rf"\b{_WEEKDAY}(?: the)? \d{{1,2}}(?:st|nd|rd|th|af|il|ydd|fed|eg|ain)?\b"  # with its date
    rf"|\b{_WEEKDAY} {_MONTH}\w* \d{{1,2}}"
    rf"|\b(?:(?:{_WEEKDAY}|{_SHORT}) (?:(?:to|until|and|or|i|hyd|a) )?)+{_WEEKDAY}\b"
    rf"|\b{_WEEKDAY} (?:morning|afternoon|evening|night)s\b"
    rf"|\b(?:every|each|any|bob|pob) (?:{_WEEKDAY}|llun|mawrth|mercher|iau|gwener)\b"
    rf"|\b{_ASKS}(?: \w+){{0,5}}? (?:today|heddiw)\b"
)
_ANY: Final = re.compile(rf"\b(?:{_DAY})\b")


def day_words(text: str) -> list[str]:
    """Each once, in the order of the text."""
    plain = " ".join(re.findall(r"\w+|[.!?|]", fold_one(text)))
    return list(dict.fromkeys(_ANY.findall(_HARMLESS.sub(" | ", plain))))
