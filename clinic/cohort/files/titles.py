"""Which row is the heading, where a report has put its title and its date above it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from clinic.cohort.columns import recognised

# A heading stands within this many rows that are not blank
_ROWS = 30
# Cells that a title does not have: whoever has one is a patient, and is not left out
_NUMBER_OR_ADDRESS = re.compile(r"\+?[\d ]{9,}|[^@\s]+@[^@\s]+\.[^@\s]+")

Row = tuple[int, list[str]]


def heading_among(rows: Iterable[Row]) -> tuple[Row, tuple[int, ...]] | None:
    """
    The heading, and the numbers of the rows above it; None if there are no rows.

    It is the first row, unless that is a title: no heading of ours in it, while a row further down has
    two or more, and nothing between them looks like a patient.

    Args:
        rows: those that are not blank, from the top, each with its number
    """
    above: list[Row] = []
    for number, cells in itertools.islice(rows, _ROWS):
        if recognised(cells) >= 2:
            if all(_is_title(row, _filled(cells)) for _, row in above):
                return (number, cells), tuple(title for title, _ in above)
            break
        above.append((number, cells))
    return (above[0], ()) if above else None


def _is_title(cells: Sequence[str], width: int) -> bool:
    filled = _filled(cells)
    if recognised(cells) and filled > 1:
        return False
    patient = any(_NUMBER_OR_ADDRESS.fullmatch(cell.strip()) for cell in cells)
    return not patient and filled <= max(2, width // 2)


def _filled(cells: Sequence[str]) -> int:
    return sum(1 for cell in cells if cell.strip())
