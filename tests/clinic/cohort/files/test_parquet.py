"""Parquet as a list: typed columns rendered exactly, or refused with the column's name (issue 16)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinic.cohort.files import open_list
from clinic.errors import ListRefused


def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


IDS = {"NHS Number": ["9990000018", "9990000026"]}
EACH = [
    (pa.array([9990000018, None]), ["9990000018", ""]),
    (pa.array([4.0, None]), ["4", ""]),
    (pa.array([1.5, float("nan")]), ["1.5", ""]),
    (pa.array([0.00001, 2.0]), ["0.00001", "2"]),
    (pa.array([Decimal("10.50"), None]), ["10.50", ""]),
    (pa.array([True, False]), ["true", "false"]),
    (pa.array([dt.date(2026, 3, 2), None]), ["2026-03-02", ""]),
    (pa.array([dt.time(9, 30), None]), ["09:30:00", ""]),
    (pa.array([1772443800, None], pa.timestamp("s")), ["2026-03-02 09:30:00", ""]),
    (pa.array([dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC), None]), ["2026-03-02 09:30:00+00:00", ""]),
    (pa.array(["'=1+1", "a,\"b\nc"]), ["'=1+1", "a,\"b\nc"]),
    (pa.array(["Siân", "Siân"]).dictionary_encode(), ["Siân", "Siân"]),
    (pa.array([None, None], pa.null()), ["", ""]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "texts"), EACH, ids=[f"{column.type}-{n}" for n, (column, _) in enumerate(EACH)]
)
def test_every_type_is_rendered_exactly(tmp_path: Path, column: pa.Array, texts: list[str]) -> None:
    path = parquet(tmp_path / "list.parquet", **IDS, other=column)
    file = open_list(path)
    (block,) = file.blocks()
    assert block.frame["other"].tolist() == texts
    assert block.frame.index.tolist() == [2, 3]
    assert (file.row_count, file.encoding, file.delimiter) == (2, "parquet", "")


@pytest.mark.parametrize(
    ("column", "code", "says"),
    [
        (pa.array([2.0**53, 1.0]), "list-column-type", "column 'other': a number with a floating point"),
        (pa.array([[1], [2]]), "list-column-type", "column 'other': it holds list"),
        (pa.array([b"x", b"y"]), "list-column-type", "column 'other': it holds binary"),
        (pa.array(["x" * 9000, ""]), "list-cell-too-long", "the cell has 9,000 characters"),
        (pa.array(["a\x00b", ""]), "list-characters", "row 2"),
    ],
)  # fmt: skip
def test_what_no_text_says_exactly_is_refused(
    tmp_path: Path, column: pa.Array, code: str, says: str
) -> None:
    path = parquet(tmp_path / "list.parquet", **IDS, other=column)
    with pytest.raises(ListRefused, match=says) as refused:
        open_list(path)
    assert refused.value.code == code


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "whole.parquet", **{"NHS Number": ["9990000018"] * 100}).read_bytes()
    path = tmp_path / "list.parquet"
    path.write_bytes(whole[:-20])
    with pytest.raises(ListRefused) as refused:
        open_list(path)
    assert refused.value.code == "list-damaged"


def test_pandas_writes_what_is_read(tmp_path: Path) -> None:
    """Its nanosecond times and its index, which is no column of ours."""
    start = pd.to_datetime(["2026-03-02 09:30"])
    frame = pd.DataFrame({"NHS Number": ["9990000018"], "Start": start})
    frame.astype({"Start": "datetime64[ns]"}).to_parquet(tmp_path / "list.parquet", index=False)
    (block,) = open_list(tmp_path / "list.parquet").blocks()
    assert block.frame["Start"].tolist() == ["2026-03-02 09:30:00"]
