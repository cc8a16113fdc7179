"""
The bounds of a template: for patients of which sex and age, and for whom not.

    sex, age_from, age_to     the record's; a patient of whom the record does not say it is outside
    not_if_coded              who has had it: a code, and since when
    exclude_codes             whom it would hurt: a code, and for how long
    exclude_groups            the same by a group of the practice, to which staff add at once

A code is written with its time: `86198006/6m`, `17369002,237364002/2y`, `flu-vaccination/09-01` (since the last
1 September), `end-of-life/ever`. Words instead of digits name a set of codes.toml.
"""

from __future__ import annotations

import re
import tomllib
from calendar import monthrange
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

from clinic.errors import TemplateRefused

SEXES: Final = ("female", "male")
OLDEST: Final = 130
_CODE: Final = re.compile(r"[0-9A-Za-z.^]{1,20}")
_GROUP: Final = re.compile(r"\S{1,40}")
_SPAN: Final = re.compile(r"([1-9]\d{0,3})([dmy])")
_DAY: Final = re.compile(r"(0[1-9]|1[0-2])-([0-2]\d|3[01])")
_EVER: Final = "ever"
_UNITS: Final = {"d": "days", "m": "months", "y": "years"}


@dataclass(frozen=True)
class Coded:
    """Codes or the name of a set, and how far back they count: `6m`, `2y`, `90d`, `09-01`, `ever`."""

    names: tuple[str, ...]
    within: str

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes themselves."""
        return tuple(code for name in self.names for code in _sets().get(name, ((name,), ""))[0])

    def since(self, today: date) -> date | None:
        """From which day on they count; None: always."""
        if self.within == _EVER:
            return None
        if day := _DAY.fullmatch(self.within):
            at = date(today.year, int(day[1]), int(day[2]))
            return at if at <= today else at.replace(year=today.year - 1)
        number, unit = _span(self.within)
        if unit == "d":
            return today - timedelta(days=number)
        return months_before(today, number * (12 if unit == "y" else 1))

    def says(self) -> str:
        """As a person reads it: "a flu vaccination since 1 September"."""
        what = ", ".join(_sets()[name][1] if name in _sets() else name for name in self.names)
        if self.within == _EVER:
            return what
        if day := _DAY.fullmatch(self.within):
            return f"{what} since {date(2000, int(day[1]), int(day[2])):%-d %B}"
        number, unit = _span(self.within)
        return f"{what} in the last {number} {_UNITS[unit] if number > 1 else _UNITS[unit][:-1]}"

    def written(self) -> str:
        """As it is typed."""
        return f"{','.join(self.names)}/{self.within}"


@dataclass(frozen=True)
class Bounds:
    """For whom a template is; without any it is for everybody."""

    sex: str | None = None
    age_from: int | None = None
    age_to: int | None = None
    not_if_coded: tuple[Coded, ...] = ()
    exclude_codes: tuple[Coded, ...] = ()
    exclude_groups: tuple[str, ...] = ()

    def to_json(self) -> str | None:
        """What is kept; None where there are no bounds."""
        kept = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        return orjson.dumps(kept).decode() if kept else None

    @classmethod
    def from_json(cls, text: str | None) -> Bounds:
        """What `to_json` made."""
        kept: dict[str, Any] = orjson.loads(text) if text else {}
        for name in ("not_if_coded", "exclude_codes"):
            kept[name] = tuple(
                Coded(tuple(one["names"]), one["within"]) for one in kept.get(name, ())
            )
        kept["exclude_groups"] = tuple(kept.get("exclude_groups", ()))
        return cls(**{each.name: kept[each.name] for each in fields(cls) if each.name in kept})

    def says(self) -> list[str]:
        """Each bound as a person reads it."""
        said = [f"{self.sex} patients"] if self.sex else []
        if self.age_from is not None or self.age_to is not None:
            said.append(f"aged {age_range(self.age_from, self.age_to)}")
        said += [f"not for patients with a code of {one.says()}" for one in self.not_if_coded]
        said += [f"never for patients with a code of {one.says()}" for one in self.exclude_codes]
        return said + [f"never for members of the group {code}" for code in self.exclude_groups]


def months_before(day: date, months: int) -> date:
    """The same day so many months before, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if year < 1:  # of a version from before there was a longest time
        return date.min
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def age_range(first: int | None, last: int | None) -> str:
    """As it is typed and read: 24-64, 65+, 0-4."""
    if last is None:
        return f"{first or 0}+"
    return f"{first or 0}-{last}"


def read_age(typed: str) -> tuple[int | None, int | None]:
    """
    First and last age of `24-64`, `65+`, `40`; of `any`: none.

    Raises:
        TemplateRefused: it is no range of ages
    """
    text = typed.strip().lower()
    if text == "any":
        return None, None
    found = re.fullmatch(r"(\d{1,3})(?:(\+)|\s*-\s*(\d{1,3}))?", text)
    first = int(found[1]) if found else OLDEST + 1
    last = None if found and found[2] else int(found[3]) if found and found[3] else first
    if not found or first > OLDEST or (last is not None and not first <= last <= OLDEST):
        raise TemplateRefused(
            "template-bounds",
            f"{typed!r} is no range of ages: write 24-64, 65+ or any, in whole years",
        )
    return first, last


def read_sex(typed: str) -> str | None:
    """
    `female` or `male`; of `any`: None.

    Raises:
        TemplateRefused: it is none of them
    """
    text = typed.strip().lower()
    if text == "any":
        return None
    if text not in SEXES:
        raise TemplateRefused(
            "template-bounds", f"{typed!r} is no sex of a template: female, male or any"
        )
    return text


def read_coded(typed: str) -> Coded:
    """
    Codes with their time, as they are typed: `86198006/6m`.

    Raises:
        TemplateRefused: a code, a set or the time is none
    """
    names, slash, within = typed.strip().partition("/")
    parts = tuple(dict.fromkeys(part.strip() for part in names.split(",") if part.strip()))
    within = within.strip().lower()
    if not parts or not slash or not _is_time(within):
        raise TemplateRefused(
            "template-bounds",
            f"{typed!r} is no code with its time: write 86198006/6m (days d, months m, years y), "
            f"flu-vaccination/09-01 (since the last 1 September) or 17369002/ever; of at most {OLDEST} years",
        )
    for part in parts:
        if part not in _sets() and not (_CODE.fullmatch(part) and re.search(r"\d", part)):
            raise TemplateRefused(
                "template-bounds",
                f"{part!r} is neither a code nor a set of codes; there are the sets: {', '.join(_sets())}",
            )
    return Coded(parts, within)


def read_group(typed: str) -> str:
    """
    A group's code.

    Raises:
        TemplateRefused: no group can be called so
    """
    if not _GROUP.fullmatch(typed.strip()):
        raise TemplateRefused(
            "template-bounds", f"{typed!r} is no code of a group: cohort groups list"
        )
    return typed.strip()


def _is_time(text: str) -> bool:
    if day := _DAY.fullmatch(text):
        most = {"02": 28, "04": 30, "06": 30, "09": 30, "11": 30}.get(day[1], 31)
        return 1 <= int(day[2]) <= most
    return text == _EVER or (bool(_SPAN.fullmatch(text)) and _in_days(text) <= OLDEST * 366)


def _in_days(span: str) -> int:
    """About how many days a span has: one that is longer than anybody lives is a slip."""
    number, unit = _span(span)
    return number * {"d": 1, "m": 30, "y": 365}[unit]


def _span(text: str) -> tuple[int, str]:
    found = _SPAN.fullmatch(text)
    assert found is not None  # read_coded let nothing else in
    return int(found[1]), found[2]


@cache
def _sets() -> dict[str, tuple[tuple[str, ...], str]]:
    """Set → its codes, and what they say."""
    kept = tomllib.loads(files("clinic.message.audience").joinpath("codes.toml").read_text("utf-8"))
    return {name: (tuple(one["codes"]), one["says"]) for name, one in kept.items()}
