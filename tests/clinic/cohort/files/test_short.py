"""A row without its empty last cells is read; one that lost a cell in the middle is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.cohort.files import open_list

HEADING = "NHS Number,Date of Birth,Mobile,Email,Ward,Note\n"
WHOLE = "9990000018,04/03/1980,07700900001,a@example.org,W,x\n"
# The row; whether it can be read
ROWS = (
    ("the last", "9990000026,05/03/1980,07700900002,b@example.org,W", True),
    ("the last three", "9990000026,05/03/1980,07700900002", True),
    ("empty in the middle too", "9990000026,,07700900002,,W", True),
    ("a date of birth lost", "9990000026,07700900002,b@example.org,W,x", False),
    ("a mobile lost", "9990000026,05/03/1980,b@example.org,W,x", False),
    ("an e-mail lost", "9990000026,05/03/1980,07700900002,W,x", False),
    ("an id lost", "05/03/1980,07700900002,b@example.org,W,x", False),
    ("an id with a wrong check digit", "9990000027,05/03/1980,07700900002", False),
    ("an empty end all the same", "9990000026,05/03/1980,07700900002,", False),
)


@pytest.mark.parametrize(("row", "read"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_short_row_is_read_where_all_of_it_fits(row: str, read: bool, tmp_path: Path) -> None:
    """NEW-6: each short row is a remark, of one kind or the other."""
    path = tmp_path / "list.csv"
    path.write_text(HEADING + WHOLE + row + "\n")
    opened = open_list(path)
    [block] = opened.blocks()
    assert list(block.unreadable) == [False, not read]
    assert list(block.frame.iloc[1]) == [*row.split(","), *[""] * (5 - row.count(","))]
    found = {notice.code: notice.rows for notice in opened.notices}
    assert found == {"short_rows" if read else "unreadable_row": [3]}


def test_a_file_of_short_rows_alone_proves_nothing(tmp_path: Path) -> None:
    """NEW-6: without a whole row to compare with, nobody knows what was cut off."""
    path = tmp_path / "list.csv"
    path.write_text(HEADING + ROWS[0][1] + "\n")
    [block] = open_list(path).blocks()
    assert list(block.unreadable) == [True]


def test_where_rows_end_in_empty_cells_a_short_one_lost_something(tmp_path: Path) -> None:
    """NEW-6: the program writes empty last cells, so that a short row is damaged."""
    path = tmp_path / "list.csv"
    path.write_text(HEADING + ROWS[0][1] + "\n" + WHOLE.replace(",x", ","))
    opened = open_list(path)
    [block] = opened.blocks()
    assert list(block.unreadable) == [True, False]
    assert {notice.code for notice in opened.notices} == {"unreadable_row"}


def test_the_last_row_of_half_a_file_is_no_short_row(tmp_path: Path) -> None:
    """NEW-6: where the file was cut off, the last value may be too; of an earlier row it is whole."""
    short = ROWS[1][1]
    path = tmp_path / "list.csv"
    for ended, unreadable in ((True, [False, False, False]), (False, [False, False, True])):
        rows = HEADING + WHOLE + short + "\n" + short.replace("26,", "34,", 1)
        path.write_text(rows + "\n" if ended else rows)
        [block] = open_list(path).blocks()
        assert list(block.unreadable) == unreadable
