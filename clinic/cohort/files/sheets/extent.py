"""How far a sheet reaches and what of it is hidden, as its own XML says."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache


@dataclass
class Extent:
    """Rows and columns of one sheet, counted from 1."""

    hidden_rows: list[range] = field(default_factory=list)
    hidden_columns: list[range] = field(default_factory=list)
    rows: int = 0  # rows with something in a cell
    last_row: int = 0  # the last of those
    last_column: int = 0
    # Row → the places (from 0) from which on a column has another number format, and which; texts of
    # single cells as they are shown, where the file holds those
    formats: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    texts: dict[int, dict[int, str]] = field(default_factory=dict)
    unknown_formats: int = 0  # numbers whose format is not understood
    uncomputed: int = 0  # the first row with a formula whose value was never computed

    def add(self, rows: range, column: int) -> None:
        """Something stands in these rows, up to this column."""
        self.rows += len(rows)
        self.last_row = max(self.last_row, rows.stop - 1)
        self.last_column = max(self.last_column, column)


@lru_cache(maxsize=1000)
def local_name(name: str) -> str:
    """An element's name without its prefix."""
    return name.rpartition(":")[2]
