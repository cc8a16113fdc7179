"""When messages may be sent."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from clinic.settings.section import Section

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _window(text: str) -> str:
    begin, end = read_window(text)
    if begin >= end:
        raise ValueError("a window ends after it begins, on the same day")
    return text


def read_window(text: str) -> tuple[int, int]:
    """`"08:00-12:30"` as minutes of the day, the second no longer within."""
    found = re.fullmatch(r"(\d\d):([0-5]\d)-(\d\d):([0-5]\d)", text)
    if found is None or (hours := [int(part) for part in found.groups()])[2:] > [24, 0]:
        raise ValueError("write a window as 08:00-12:30; a day ends at 24:00")
    return hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]


Window = Annotated[str, AfterValidator(_window)]


class Hours(Section):
    """When messages may be sent, in the organisation's time zone (ARC-15, NEW-4). Nothing set: always."""

    text: dict[Day, tuple[Window, ...]] = Field(
        default={},
        description='Texts and e-mails: windows a day, { mon = ["08:00-12:30", "14:00-18:00"], … }. '
        "A day that is not named is closed; none named: every hour is open",
    )
    voice: dict[Day, tuple[Window, ...]] = Field(default={}, description="Calls, likewise")
    country: str = Field(
        default="", description="Closed on this country's public holidays: GB, US; empty: on none"
    )
    subdivision: str = Field(default="", description="Part of the country: ENG, WLS, SCT, NIR, CA")
    closed: tuple[date, ...] = Field(default=(), description="Closed on these days too")
    christmas: bool = Field(
        default=False,
        description="Open on 25 December where the country's holidays do not close it. Wherever hours are "
        "set it is closed unless this is true",
    )
