"""The events of an .xlsx sheet's XML, turned into its extent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from clinic.cohort.files.sheets.extent import Extent, local_name
from clinic.cohort.files.sheets.shown import is_known


class ExcelSheet:
    """worksheet / sheetData / row / c / v, f, is / t (ECMA-376 part 1, 18.3.1)."""

    def __init__(self, formats: Sequence[str] = ()) -> None:
        """`formats`: number formats by the number of a cell's style."""
        self._formats = {str(style): code for style, code in enumerate(formats)}
        self._unknown = frozenset(code for code in formats if not is_known(code))
        self._codes: dict[int, str] = {}  # of each column, as its last number has it
        self._number = False
        self._extent = Extent()
        self.extents = [self._extent]
        self._row = self._column = self._last = 0
        self._in_value = self._formula = self._value = self._filled = False
        self._text_result = self._hidden = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        name = local_name(name)
        if name == "c":
            self._start_cell(attributes)
        elif name in ("v", "t", "is"):
            self._in_value = name != "is"
            self._filled = True
        elif name == "f":
            self._formula = self._filled = True
        elif name == "row":
            self._start_row(attributes)
        elif name == "col" and _true(attributes.get("hidden")):
            span = range(int(attributes["min"]), int(attributes["max"]) + 1)
            self._extent.hidden_columns.append(span)

    def text(self, data: str) -> None:
        self._value |= self._in_value

    def end(self, name: str) -> None:
        name = local_name(name)
        if name in ("v", "t"):
            self._in_value = False
        elif name == "c":
            self._end_cell()
        elif name == "row" and self._last:
            self._extent.add(range(self._row, self._row + 1), self._last)

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        number = int(attributes.get("r", self._row + 1))
        if number <= self._row:
            raise ValueError  # one row twice: a reader would lay one over the other
        self._row, self._column, self._last = number, 0, 0
        self._hidden = _true(attributes.get("hidden"))
        if self._hidden:
            self._extent.hidden_rows.append(range(number, number + 1))

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        self._column = self._column_in(attributes["r"]) if "r" in attributes else self._column + 1
        kind = attributes.get("t", "n")
        self._text_result = kind == "str"
        self._number = kind == "n"
        if self._number:
            code = self._formats.get(attributes.get("s", "0"), "")
            if self._codes.get(self._column, "") != code:
                self._change_format(code)
        self._formula = self._value = self._filled = False

    def _change_format(self, code: str) -> None:
        self._codes[self._column] = code
        self._extent.formats.setdefault(self._row, []).append((self._column - 1, code))

    def _column_in(self, reference: str) -> int:
        letters = reference.removesuffix(str(self._row))
        if letters == reference:
            raise ValueError  # a reader would put the cell into another patient's row
        return _column_of(letters)

    def _end_cell(self) -> None:
        if self._number and self._value and self._unknown and not self._hidden:
            self._extent.unknown_formats += self._codes.get(self._column, "") in self._unknown
        if self._filled:
            self._last = max(self._last, self._column)
        if not self._value and self._formula and not self._text_result and not self._hidden:
            self._extent.uncomputed = self._extent.uncomputed or self._row


def _true(value: str | None) -> bool:
    return value in ("1", "true")


@lru_cache(maxsize=1000)
def _column_of(letters: str) -> int:
    """The column of "AB", counted from 1."""
    column = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise ValueError
        column = column * 26 + ord(letter) - ord("A") + 1
    return column
