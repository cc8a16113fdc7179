"""Files of ids for a selection: under headings of their own, or ids alone."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from clinic.cohort.id_file import read_ids
from clinic.errors import ListRefused

# What the file holds → row, NHS number, other id
FILES = {
    "one column of NHS numbers": ("NHS Number\n999 000 0018\n", [(2, "999 000 0018", "")]),
    "of record numbers, under EMIS too": ("EMIS Number\n4711\n", [(2, "", "4711")]),
    "under a heading that says not which": (
        "IDs\nL1\n9990000018\n",
        [(2, "", "L1"), (3, "", "9990000018")],
    ),
    "two columns of ids": (
        "Patient ID,NHS No.\nL1,9990000018\n,9990000026\n",
        [(2, "9990000018", "L1"), (3, "9990000026", "")],
    ),
    "columns that nothing uses": ("Name,MRN,DOB\nA B,L1,1980-01-01\n", [(2, "", "L1")]),
    "no heading": ("9990000018\nL2\n", [(1, "", "9990000018"), (2, "", "L2")]),
    "a single id without a line end": ("L2", [(1, "", "L2")]),
    "a heading that is none of ours": ("Whom\nL1\n", [(2, "", "L1")]),
    "quoted, with blanks and tabs": (
        '"999 000 0018"\t\r\n  L2 \r\n\r\n"L3"\r\n',
        [(1, "", "999 000 0018"), (2, "", "L2"), (4, "", "L3")],
    ),
    "a byte order mark": ("\ufeffL1\nL2\n", [(1, "", "L1"), (2, "", "L2")]),
    "as Excel keeps numbers as text": (
        '="9990000018"\n\'L2\n',
        [(1, "", "9990000018"), (2, "", "L2")],
    ),
    "quoted under a heading": (
        'NHS Number\n="9990000018"\n"999 000 0026"\n',
        [(2, "9990000018", ""), (3, "999 000 0026", "")],
    ),
    "several on a line are numbered in order": (
        "L1; L2\nL3",
        [(1, "", "L1"), (2, "", "L2"), (3, "", "L3")],
    ),
    "a wrong check digit is one id": ("999 000 0019\nL2", [(1, "", "999 000 0019"), (2, "", "L2")]),
}


@pytest.mark.parametrize(("text", "found"), FILES.values(), ids=FILES.keys())
def test_ids_are_read_with_the_number_of_their_row(
    tmp_path: Path, text: str, found: list[tuple[int, str, str]]
) -> None:
    """ALC-11: ids alone are enough, whatever layout the practice's lists have."""
    path = tmp_path / "ids.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert [(g.row, g.nhs_number, g.other) for g in read_ids(path).rows] == found


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (
            [[9990000018], ["999 000 0026"], [None], ["L2"]],
            [(1, "", "9990000018"), (2, "", "999 000 0026"), (4, "", "L2")],
        ),
        ([["NHS Number"], [9990000018]], [(2, "9990000018", "")]),
        ([[None, "Ids"], [None, "L1"]], [(2, "", "L1")]),
    ],
)
def test_a_spreadsheet_of_ids_needs_no_heading(
    tmp_path: Path, cells: list[list[object]], found: list[tuple[int, str, str]]
) -> None:
    """ALC-11: numbers are read as they were typed, not as 9.99E+09."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in cells:
        book.active.append(row)
    path = tmp_path / "ids.xlsx"
    book.save(path)
    assert [(g.row, g.nhs_number, g.other) for g in read_ids(path).rows] == found


def test_a_row_with_other_cells_than_the_heading_is_kept_and_named(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("Patient ID,Note\nL1,a\nL2,b,c\nL3,d\n", encoding="utf-8")
    file = read_ids(path)
    assert [(g.row, g.readable) for g in file.rows] == [(2, True), (3, False), (4, True)]
    assert [(n.code, n.rows) for n in file.notices] == [("unreadable_row", [3])]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Name,DOB\nAnn,1980-01-01\n", "needs a column of ids"),
        ("L1,Ann,1980-01-01\n", "row 1: .* holds more than ids"),
        ("L1\nL2\nAnn Smith\n", "row 3: .* holds more than ids"),
        ("L1\n9.99E+09\n", "row 2: a spreadsheet has rounded"),
        ("MRN,Patient ID\nL1,L2\n", "column A .MRN. and column B .Patient ID."),
        ("ID,Reference\nL1,L2\n", "may both hold the patients' ids"),
        ("Ann\nBob\n", "row 2: .* holds more than ids"),
    ],
)
def test_a_file_of_which_nobody_can_tell_the_ids_is_refused_by_row(
    tmp_path: Path, text: str, says: str
) -> None:
    """The sentence holds no cell of the file."""
    path = tmp_path / "ids.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ListRefused, match=says) as refused:
        read_ids(path)
    assert "Ann" not in str(refused.value)
