"""The cells of a sheet as texts, as the spreadsheet shows them."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clinic.cohort.files.sheets.extent import Extent
from clinic.cohort.files.sheets.shown import is_date, shown_date, shown_number

# Excel keeps 15 digits of a number; from here on the last ones are not what was typed
_EXACT_BELOW = 1e15


@dataclass
class Cells:
    """
    Texts of the rows of one sheet, taken from above to below.

    `iso`: columns (from 0) whose dates are read by a program and not by a patient: 1980-12-31;
    `exact`: columns of ids and phones, where zeros in front count, but no decimals and thousands.
    """

    extent: Extent
    iso: frozenset[int] = frozenset()
    exact: frozenset[int] = frozenset()
    rounded: list[int] = field(default_factory=list)  # rows in which a format hides digits
    _codes: dict[int, str] = field(default_factory=dict)  # of each column, as of this row

    def texts(self, number: int, cells: Sequence[Any], *, columns: Iterable[int]) -> list[str]:
        """The row's texts; `columns` are the places of its cells in the sheet."""
        given = self.extent.texts.get(number, {})
        return [
            value if isinstance(value, str) else self._text(number, place, value, given)
            for place, value in zip(columns, cells, strict=True)
        ]

    def pass_by(self, number: int) -> None:
        """Each row in turn, also a hidden one: a format holds until the column has another."""
        for place, code in self.extent.formats.get(number, ()):
            self._codes[place] = code

    def _text(self, number: int, place: int, value: Any, given: Mapping[int, str]) -> str:
        code, text = self._codes.get(place, ""), given.get(place, "")
        if place in self.exact and (set(code + text) & set(",.%")):
            code = text = ""
        if isinstance(value, bool) or place in self.iso:
            return cell_text(value)
        if text:
            return text
        if isinstance(value, int | float):
            shown = shown_number(value, code) if code and abs(value) < _EXACT_BELOW else None
            if shown is None:
                return cell_text(value)
            text, rounded = shown
            if rounded:
                self.rounded.append(number)
            return text
        return shown_date(value, code if is_date(code) else "")


def cell_text(value: Any) -> str:
    """
    A cell as text: dates as 1980-12-31, whole numbers without a point, the rest as a person types it.

    A number of 16 digits or more is written 1.23E+15, as the last digits are not to be trusted.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        if not math.isfinite(value):
            return "#NUM!"  # what Excel shows for it
        if abs(value) >= _EXACT_BELOW:
            return f"{value:.14E}"
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(" ")
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
