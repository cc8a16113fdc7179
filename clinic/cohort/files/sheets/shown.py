"""
A cell's value as the spreadsheet shows it: its number format counts.

    100 as 000000 → "000100"        12.5 as "£"0.00 → "£12.50"
    9:30 → "09:30", never 09:30:00  1.12.2026 → "1 December 2026", never 2026-12-01

A format that is not understood leaves the value as a person types it; `is_known` tells, and the list
gets a remark.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

# What a section is made of: text, a currency sign, space of some width, colours, elapsed time, the rest
_TOKEN = re.compile(
    r'"(?P<text>[^"]*)"|\\(?P<one>.)|\[\$(?P<sign>[^\]-]*)(?:-[^\]]*)?\]|_.|\*.'
    r"|\[(?P<bracket>[^\]]*)\]|(?P<place>[0#?.,%])|(?P<other>.)"
)
_COLOUR = re.compile(r"black|blue|cyan|green|magenta|red|white|yellow|color ?\d+", re.IGNORECASE)
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)
_BARE = " -+()/:£$€¥"  # stand for themselves without quotation marks
_SECTIONS = re.compile(r'(?:"[^"]*"|\\.|\[[^\]]*\]|[^;])*')
_PLAIN = ("", "general", "@")


@dataclass(frozen=True)
class _Section:
    """Prefix, places of digits, suffix; `known` is False where there is more to it."""

    tokens: tuple[tuple[str, str], ...] = ()  # ("text" or "place", character)
    known: bool = True


def is_known(code: str) -> bool:
    """Whether a number in this format is written as the spreadsheet shows it."""
    return code.lower() in _PLAIN or is_date(code) or all(s.known for s in _sections(code))


def is_date(code: str) -> bool:
    """Whether the format shows a date or a time."""
    return bool(re.search("[dmyhs]", _letters(code)))


def is_elapsed(code: str) -> bool:
    """Whether the format shows hours, minutes or seconds that go on beyond a day: [h]:mm."""
    return is_date(code) and any(
        _ELAPSED.fullmatch(token["bracket"] or "") for token in _TOKEN.finditer(code)
    )


def shown_number(value: float, code: str) -> tuple[str, bool] | None:
    """
    The number as the format shows it, and whether that rounds it.

    None where the format says nothing, or is not understood.
    """
    if code.lower() in _PLAIN or is_date(code):
        return None
    sections = _sections(code)
    at = 2 if value == 0 and len(sections) > 2 else 1 if value < 0 and len(sections) > 1 else 0
    if at == 2 and ("place", "0") not in sections[2].tokens:
        at = 0  # accounts show a dash where a person writes 0.00
    section = sections[at]
    places = "".join(char for kind, char in section.tokens if kind == "place")
    if not section.known or not re.search("[0#?]", places):
        return None
    minus = "-" if value < 0 and at == 0 else ""
    number = abs(Decimal(repr(value))) * (100 if "%" in places else 1)
    decimals = places.replace("%", "").replace(",", "").partition(".")[2]
    rounded = number.quantize(Decimal(1).scaleb(-len(decimals)), rounding=ROUND_HALF_UP)
    whole, _, part = f"{rounded:f}".partition(".")
    kept = part.rstrip("0")
    part = part[: max(len(kept), decimals.rfind("0") + 1)]
    if "," in places:
        whole = f"{int(whole):,}"
    text = minus + _laid_out(section, whole, part)
    return (text, rounded != number) if re.search(r"\d", text) else None


def _laid_out(section: _Section, whole: str, part: str) -> str:
    """Digits from the right into the places; what is left over stands before the first."""
    dot = next((i for i, t in enumerate(section.tokens) if t == ("place", ".")), None)
    head, tail = section.tokens[:dot], section.tokens[dot:] if dot is not None else ()
    left = list(whole if whole != "0" or any(t == ("place", "0") for t in head) else "")
    out: list[str] = []
    first = next((i for i, t in enumerate(head) if t[0] == "place" and t[1] in "0#?"), 0)
    grouped = ("place", ",") in head
    for i in range(len(head) - 1, -1, -1):
        kind, char = head[i]
        if kind == "text" or char == "%":
            out.append(char)
        elif char in "0#?":
            if left:
                out.append(left.pop())
                if grouped and left and left[-1] == ",":
                    out.append(left.pop())
            elif char == "0":
                out.append("0")
            if i == first:
                out += reversed(left)
                left = []
    after = "".join(char for kind, char in tail if kind == "text" or char == "%")
    return ("".join(reversed(out)) + (f".{part}" if part else "") + after).strip()


def shown_date(value: Any, code: str = "") -> str:
    """A date or time with the parts that its format shows; all of them where the format is not known."""
    letters = _letters(code)
    if isinstance(value, datetime.timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60:02}:{minutes % 60:02}"
    if isinstance(value, datetime.time):
        return _clock(value, letters)
    of_time = bool(re.search("[hs]", letters))
    of_day = not of_time or bool(re.search("[dy]|mmm", letters))
    if not isinstance(value, datetime.datetime):
        return _day(value, letters)
    if not letters:
        of_time = value.time() != datetime.time()
    day, time = _day(value.date(), letters) if of_day else "", _clock(value.time(), letters)
    return f"{day} {time}".strip() if of_time else day


def _day(day: datetime.date, letters: str) -> str:
    runs = re.findall(r"d+|m+|y+", letters)
    has_day, has_year = "d" in runs or "dd" in runs, any(run[0] == "y" for run in runs)
    weekday = any(run[0] == "d" and len(run) > 2 for run in runs)
    month = has_day or has_year or "mmm" in letters
    if not (weekday or month):
        has_day = month = has_year = True
    parts = (
        (weekday, f"{day:%A}"),
        (has_day, str(day.day)),
        (month, f"{day:%B}"),
        (has_year, str(day.year)),
    )
    return " ".join(text for there, text in parts if there)


def _clock(time: datetime.time, letters: str) -> str:
    seconds = f":{time:%S}" if "s" in letters and time.second else ""
    if "a/p" in letters or "am/pm" in letters:
        return f"{time.hour % 12 or 12}:{time:%M}{seconds} {'am' if time.hour < 12 else 'pm'}"
    return f"{time:%H:%M}{seconds}"


@lru_cache(maxsize=500)
def _letters(code: str) -> str:
    """The format without its texts, colours and languages: dates are told by what is left."""
    if code.lower() in _PLAIN:
        return ""
    first = _SECTIONS.match(code)
    bare = []
    for token in _TOKEN.finditer(first.group() if first else ""):
        bracket = token["bracket"]
        if bracket is not None and _ELAPSED.fullmatch(bracket):
            bare.append(bracket)
        bare.append(token["other"] or token["place"] or "")
    letters = "".join(bare).lower()
    return letters if re.fullmatch(r"[dmyhsap0.,/: \-+()]*", letters) else ""


@lru_cache(maxsize=500)
def _sections(code: str) -> tuple[_Section, ...]:
    texts = [found.group() for found in _SECTIONS.finditer(code)]
    # The pattern finds an empty section behind each that is not
    sections = [text for i, text in enumerate(texts) if text or i == 0 or not texts[i - 1]]
    return tuple(_section(text) for text in sections[:3])  # the fourth is of text


def _section(text: str) -> _Section:
    tokens: list[tuple[str, str]] = []
    for token in _TOKEN.finditer(text):
        bracket, other = token["bracket"], token["other"]
        if token["place"]:
            tokens.append(("place", token["place"]))
        elif bracket is not None:
            if not _COLOUR.fullmatch(bracket):
                return _Section(known=False)
        elif other is not None and other not in _BARE:
            return _Section(known=False)
        else:
            tokens += [("text", char) for char in _literal(token)]
    places = "".join(char for kind, char in tokens if kind == "place")
    # 0, 000, #,##0.00, 0.0%; not thousands ("0,") nor fractions ("# ?/?")
    known = bool(re.fullmatch(r"[0#?]*(?:,[0#?]{3})*(?:\.[0#?]*)?%?", places))
    return _Section(tuple(tokens), known and ("text", "/") not in tokens)


def _literal(token: re.Match[str]) -> str:
    return token["text"] or token["one"] or token["sign"] or token["other"] or ""
