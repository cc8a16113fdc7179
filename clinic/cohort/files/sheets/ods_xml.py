"""The events of an .ods document's XML, turned into the extents of its sheets."""

from __future__ import annotations

from collections.abc import Mapping

from clinic.cohort.files.sheets.extent import Extent, local_name

_SHOWN = ("float", "currency", "percentage", "date", "time")
# More is refused later on; until then it must not cost memory
_MOST_ROWS, _MOST_COLUMNS = 1_000_000, 1_000


class OpenDocumentSheets:
    """spreadsheet / table / table-row / table-cell / p (OpenDocument 1.3 part 3, 9)."""

    def __init__(self) -> None:
        self.extents: list[Extent] = []
        self._depth = 0  # of tables within tables, which are not read
        self._rows = range(1, 1)
        self._column = self._last = self._columns = 0
        self._repeated = 1
        self._filled = self._remark = False
        self._number = False  # the cell has a number, date or time, and beside it what is shown
        self._shown: list[str] = []
        self._texts: dict[int, str] = {}  # of the row

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        name = local_name(name)
        if name == "table":
            self._start_table()
        elif self._depth != 1:
            return
        elif name in ("table-cell", "covered-table-cell"):
            self._repeated = int(attributes.get("table:number-columns-repeated", 1))
            # Whatever the reader may take for a value, also where its type is missing
            self._filled = any(name.startswith(("office:", "calcext:")) for name in attributes)
            self._number = attributes.get("office:value-type") in _SHOWN
            self._shown.clear()
        elif name == "table-row":
            self._start_row(attributes)
        elif name == "table-column":
            self._start_column(attributes)
        elif name == "annotation":
            self._remark = True
        elif name == "s" and self._number and not self._remark:
            self._shown.append(" ")

    def text(self, data: str) -> None:
        if self._number and self._depth == 1 and not self._remark:
            self._shown.append(data)
        self._filled |= self._depth == 1 and not self._remark and not data.isspace()

    def end(self, name: str) -> None:
        name = local_name(name)
        if name == "table":
            self._depth -= 1
        elif self._depth != 1:
            return
        elif name in ("table-cell", "covered-table-cell"):
            if self._number:
                self._keep_shown()
            self._column += self._repeated
            self._last = self._column if self._filled else self._last
            self._filled = False
        elif name == "table-row" and self._last:
            extent = self.extents[-1]
            extent.add(self._rows, self._last)
            if self._texts:
                room = max(0, _MOST_ROWS - len(extent.texts))
                extent.texts |= dict.fromkeys(self._rows[:room], self._texts)
        elif name == "annotation":
            self._remark = False

    def _start_table(self) -> None:
        self._depth += 1
        if self._depth == 1:
            self.extents.append(Extent())
            self._rows = range(1, 1)
            self._columns = 0

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        first = self._rows.stop
        self._rows = range(first, first + int(attributes.get("table:number-rows-repeated", 1)))
        self._column = self._last = 0
        self._texts = {}
        if _out_of_sight(attributes):
            self.extents[-1].hidden_rows.append(self._rows)

    def _keep_shown(self) -> None:
        """What the cell shows, unless it is too narrow or too long a number to be shown whole."""
        text = "".join(self._shown).strip()
        self._number = False
        if text and "#" not in text and "E+" not in text:
            places = range(self._column, self._column + min(self._repeated, _MOST_COLUMNS))
            self._texts |= dict.fromkeys(places, text)

    def _start_column(self, attributes: Mapping[str, str]) -> None:
        first = self._columns + 1
        self._columns += int(attributes.get("table:number-columns-repeated", 1))
        if _out_of_sight(attributes):
            self.extents[-1].hidden_columns.append(range(first, self._columns + 1))


def _out_of_sight(attributes: Mapping[str, str]) -> bool:
    return attributes.get("table:visibility") in ("collapse", "filter")
