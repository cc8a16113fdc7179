"""Writes what was fetched as a Parquet file of texts: no delimiter, no guess when it is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from clinic.record.private import claim

# Cells of a column, a list a column
Cells = Sequence[Sequence[str]]


def write_staged(path: Path, columns: Sequence[str], blocks: Iterable[Cells]) -> int:
    """
    Write blocks of columns as they come, for our account alone; how many rows.

    A file whose writer was killed has no end, and nobody reads it.
    """
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.large_string()) for name in columns])
    rows = 0
    with (
        open(claim(path), "wb") as file,
        pq.ParquetWriter(file, schema, compression="zstd", write_statistics=False) as writer,
    ):
        for cells in blocks:
            arrays = [pa.array(column, type=pa.large_string()) for column in cells]
            writer.write_table(pa.table(arrays, schema=schema))
            rows += len(cells[0])
    return rows
