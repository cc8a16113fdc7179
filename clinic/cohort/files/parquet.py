"""
Parquet files as a table: columns with types, rendered exactly, a row group at a time.

There is no delimiter, no quotation mark and no heading to be guessed; what is looked at is the cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clinic.cohort.files.limits import Limits
from clinic.cohort.files.pages import Page, page_of
from clinic.cohort.files.text.exact import texts_of
from clinic.cohort.files.text.scan import Scan, look
from clinic.errors import ListRefused

_ROWS = 20_000


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file whose columns can all be read as text; `scan`: what to look for in the cells."""

    path: Path
    columns: tuple[str, ...]
    scan: Scan

    def pages(self, size: int) -> Iterator[Page]:
        """Every row, the first with number 2 as if the headings were row 1."""
        number = 2
        for cells in _batches(self.path, size):
            rows = [list(row) for row in zip(*cells, strict=True)]
            yield page_of(rows, list(range(number, number + len(rows))))
            number += len(rows)


def open_parquet(path: Path, limits: Limits) -> ParquetTable:
    """
    Look at all of a Parquet file once, that its cells can be read.

    Raises:
        ListRefused: damaged, nested, or with a column that is no text, number or time
    """
    columns = _columns(path, limits)
    found = Scan(encoding="utf-8")
    for cells in _batches(path, _ROWS):
        for column in cells:
            longest = max(map(len, column), default=0)
            found.long_lines |= longest > limits.cell_characters
            look(found, "\n".join(column).encode("utf-8", "surrogatepass"))
    return ParquetTable(path, columns, found)


def _columns(path: Path, limits: Limits) -> tuple[str, ...]:
    with _open(path) as file:
        schema = file.schema_arrow
    names = tuple(schema.names)
    if len(names) > limits.columns:
        raise ListRefused(
            "list-too-many-columns",
            f"{path.name} has {len(names):,} columns; the most that is read is {limits.columns}. "
            "Leave out those that are not needed.",
        )
    if len(set(names)) != len(names) or not all(name.strip() for name in names):
        raise ListRefused(
            "list-no-heading",
            f"{path.name}: two columns have one name, or one has none. Name each column.",
        )
    for field in schema:
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type):
            raise _no_cell(path, field.name, f"it holds {field.type}")
    return names


def _open(path: Path) -> Any:
    import pyarrow.parquet as pq  # not where no Parquet is read: it loads libraries

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError):
        raise _damaged(path) from None


def _batches(path: Path, size: int) -> Iterator[list[list[str]]]:
    """The cells, a list a column, at most `size` rows at a time."""
    with _open(path) as file:
        batches = file.iter_batches(batch_size=size)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError):
                raise _damaged(path) from None
            if batch is None:
                return
            yield [
                _texts(path, name, column)
                for name, column in zip(batch.schema.names, batch.columns, strict=True)
            ]


def _texts(path: Path, name: str, column: Any) -> list[str]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_integer(column.type) or pa.types.is_date32(column.type):
        column = pc.cast(column, pa.string())
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts: list[str] = pc.fill_null(column, "").to_pylist()
        return texts
    try:
        return texts_of(column.to_pylist())
    except ValueError as fault:
        raise _no_cell(path, name, str(fault)) from None


def _no_cell(path: Path, column: str, why: str) -> ListRefused:
    return ListRefused("list-column-type", f"{path.name}: column {column!r}: {why}.")


def _damaged(path: Path) -> ListRefused:
    return ListRefused(
        "list-damaged",
        f"{path.name} is a Parquet file that cannot be read to its end: it is damaged or was cut off. "
        "Export it again.",
    )
