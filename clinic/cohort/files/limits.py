"""How much a list may be, so that no file can fill the memory or the disk."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The most that is read; a file over any of these is refused whole. Sizes in bytes."""

    file_bytes: int = 100_000_000  # of a workbook
    flat_bytes: int = 100_000_000  # of text and Parquet, which are never held whole
    rows: int = 1_100_000
    columns: int = 200
    cell_characters: int = 8_192
    unpacked_bytes: int = 500_000_000  # of an .xlsx or .ods, all parts together
    grid_cells: int = 20_000_000  # of a sheet, empty ones included: it is held in memory
    unpack_ratio: int = 100  # unpacked to packed; a real sheet has 5 to 30

    @property
    def line_bytes(self) -> int:
        """No honest line of a text file is longer."""
        return self.columns * self.cell_characters
