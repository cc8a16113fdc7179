"""
Words that mean another day when they are read on another day: today, tomorrow, Monday.

Judged in the template's own words: what the record or a visit puts in is worked out for the day itself. A
weekday with its date ("Monday 14 December"), opening hours ("Monday to Friday") and "call us today" stay
right; with a time it is still another Monday ("Monday 9.30", "Monday 9 am").
"""

from __future__ import annotations

import re
from typing import Final

from clinic.message.words.folding import fold_one

_WEEKDAY: Final = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:d?dydd|nos) (?:llun|lun|mawrth|fawrth|mercher|fercher|iau|gwener|wener|sadwrn|sul))"
)
_SHORT: Final = r"(?:mon|tues?|weds?|thu(?:rs)?|fri|sat|sun)"
_TIME: Final = (
    r"(?:\d{1,2}(?:[:.]\d\d)? ?(?:[ap] ?\.? ?m\b|noon|yb\b|yh\b|o clock|y bore)|\d{1,2}[:.]\d\d|noon"
    r"|midday)"
)
_HOURS: Final = rf"{_TIME} (?:(?:to|until|till|and|tan|hyd|i) )?{_TIME}"
# "Sat 10am", "this Fri", "next Wed": else sat and sun are words of another kind
_CLIPPED: Final = rf"(?:tues|thurs)|(?:this|next|on) {_SHORT}|{_SHORT}(?= (?:at )?{_TIME})"
_DAY: Final = (
    rf"today|tonight|tomorrow|tmrw|yesterday|this (?:morning|afternoon|evening)"
    rf"|heddiw|heno|yfory|ddoe|(?:bore|prynhawn) yma|{_WEEKDAY}|{_CLIPPED}"
)
# What may be done on whichever day it is read
_ASKS: Final = (
    r"(?:call|ring|phone|telephone|contact|book|register|reply|respond|visit us|order|arrange|make an? "
    r"(?:appointment|booking)|join|sign up|download|quit|stop smoking|complete|speak|talk|ask|click|apply"
    r"|log (?:in|on)|ffoniwch|cysylltwch|bwciwch|archebwch|ymunwch|cofrestrwch)"
)
_MONTH: Final = (
    r"(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*|ionawr|chwefror|mawrth|fawrth|ebrill|mai|fai|"
    r"mehefin|fehefin|gorffennaf|orffennaf|awst|medi|fedi|hydref|tachwedd|dachwedd|rhagfyr|ragfyr)"
)
_TH: Final = r"(?:st|nd|rd|th|af|il|ydd|fed|eg|ain)"
# The day of a month by itself: its ordinal, its month, or a number that is no time of a day
_DATE: Final = (
    rf"(?:the |y )?(?:\d{{1,2}}{_TH}\b(?: (?:of |o )?{_MONTH}\b)?|\d{{1,2}}{_TH}? (?:of |o )?{_MONTH}\b"
    rf"|{_MONTH} \d{{1,2}}{_TH}?\b|20\d\d[ /.]\d\d[ /.]\d\d\b"
    rf"|\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}}\b|\d{{1,2}}/\d{{1,2}}\b"
    rf"|\d{{1,2}} \d{{1,2}} 20\d\d\b|(?:1[3-9]|2\d|3[01])\b(?![:.]\d| ?(?:[ap] ?\.? ?m\b|\d\d\b|o clock)))"
)
_ANY_WEEKDAY: Final = rf"(?:{_WEEKDAY}|{_SHORT})"
_HARMLESS: Final = re.compile(
    rf"\b{_ANY_WEEKDAY} {_DATE}(?: 20\d\d\b)?"  # with its date, before it or after it
    rf"|\b{_DATE}(?: 20\d\d)? (?:a |which is a |sef )?{_ANY_WEEKDAY}\b"
    rf"|\b(?:(?:{_ANY_WEEKDAY}) (?:(?:to|until|and|or|i|hyd|a) )?)+{_ANY_WEEKDAY}\b"
    rf"|\b{_ANY_WEEKDAY} {_HOURS}(?: (?:and )?{_ANY_WEEKDAY} {_HOURS})+"  # of several days
    r"|\b(?:opening|surgery|clinic) (?:hours|times)\b[^.!?|]*|\boriau agor\b[^.!?|]*"
    rf"|\b{_WEEKDAY} (?:morning|afternoon|evening|night)s\b"
    rf"|\b(?:every|each|any|most|alternate|bob|pob) (?:other )?"
    rf"(?:{_ANY_WEEKDAY}|llun|mawrth|mercher|iau|gwener)\b"
    rf"|\b(?:on|for) an? {_WEEKDAY}(?: (?:morning|afternoon|evening))?\b"
    r"|\b(?:good friday|(?:easter|whit) (?:sunday|monday)|(?:shrove|pancake) tuesday|ash wednesday"
    r"|bank holiday monday|black friday|maundy thursday|palm sunday|mothering sunday)\b"
    rf"|\b{_ASKS}(?: \w+){{0,5}}? (?:today|heddiw)\b"
)
_ANY: Final = re.compile(rf"\b(?:{_DAY})\b")
# A time and a date of numbers stay whole
_PIECES: Final = re.compile(r"\d+(?:[:./]\d+)+|\w+|[.!?|]")


def day_words(text: str) -> list[str]:
    """Each once, in the order of the text."""
    plain = " ".join(_PIECES.findall(fold_one(text)))
    return list(dict.fromkeys(_ANY.findall(_HARMLESS.sub(" | ", plain))))
