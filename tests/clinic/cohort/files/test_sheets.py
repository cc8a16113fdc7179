"""Spreadsheets: what a person sees in the first visible sheet is what is read, or the file is refused."""

from __future__ import annotations

import datetime
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinic.cohort.files import Limits, ListFile, open_list
from clinic.cohort.files.sheets.cells import cell_text
from clinic.errors import ListRefused
from tests.clinic.cohort.files import workbooks as made

ANN = ("9990000001", "Ann", "07700900001")
BOB = ("9990000002", "Bob", "07700900002")
CY = ("9990000003", "Cy", "07700900003")


def rows_of(opened: ListFile) -> list[tuple[str, ...]]:
    return [tuple(row) for block in opened.blocks() for row in block.frame.to_numpy()]


def numbers_of(opened: ListFile) -> list[int]:
    return [number for block in opened.blocks() for number in block.frame.index]


def remarks(opened: ListFile) -> dict[str, int]:
    return {notice.code: notice.count for notice in opened.notices}


def test_reads_an_excel_sheet_as_text(tmp_path: Path) -> None:
    """PAT-7, Fault 46: numbers without a point, dates without a doubt."""
    path = made.excel(
        tmp_path / "list.xlsx",
        [
            ("NHS Number", "Date of Birth", "Seen", "Mobile", "Flag", "Rate"),
            (
                9990000001,
                datetime.date(1980, 12, 31),
                datetime.datetime(2026, 1, 2, 9, 30),  # noqa: DTZ001  a sheet has no zones
                "+447700900001",
                True,
                0.5,
            ),
        ],
    )
    opened = open_list(path)
    assert rows_of(opened) == [
        ("9990000001", "1980-12-31", "2 January 2026 09:30", "+447700900001", "TRUE", "0.5")
    ]
    assert numbers_of(opened) == [2]
    assert (opened.encoding, opened.delimiter) == ("xlsx", "")


def test_reads_an_open_document_sheet(tmp_path: Path) -> None:
    """PAT-7, Fault 46: .ods too; equal rows are stored once there and are rows all the same."""
    twice = made.line(*BOB, more='table:number-rows-repeated="2"')
    path = made.open_document(
        tmp_path / "list.ods", made.sheet(made.line(*made.HEADINGS), made.line(*ANN), twice)
    )
    opened = open_list(path)
    assert rows_of(opened) == [ANN, BOB, BOB]
    assert numbers_of(opened) == [2, 3, 4]
    assert opened.encoding == "ods"


def test_leaves_out_what_excel_hides_and_says_so(tmp_path: Path) -> None:
    """GOV.UK rule: first visible sheet, hidden rows and columns ignored."""

    def hide(book: Any) -> None:
        book.active.row_dimensions[3].hidden = True
        book.active.column_dimensions["B"].hidden = True
        book.create_sheet("before", 0).sheet_state = "hidden"
        book.create_sheet("notes")

    path = made.excel(tmp_path / "list.xlsx", [made.HEADINGS, ANN, BOB, CY], hide)
    opened = open_list(path)
    assert opened.columns == ("NHS Number", "Mobile")
    assert rows_of(opened) == [(ANN[0], ANN[2]), (CY[0], CY[2])]
    assert numbers_of(opened) == [2, 4]
    assert remarks(opened) == {"other_sheets": 2, "hidden_rows": 1, "hidden_columns": 1}


def test_leaves_out_what_an_open_document_hides_and_says_so(tmp_path: Path) -> None:
    """GOV.UK rule: rows filtered away are hidden as well."""
    columns = (
        "<table:table-column/>"
        '<table:table-column table:visibility="collapse"/>'
        '<table:table-column table:number-columns-repeated="2"/>'
    )
    path = made.open_document(
        tmp_path / "list.ods",
        made.sheet(made.line("NHS Number"), made.line("9990000009"), name="old", style="hidden"),
        made.sheet(
            made.line(*made.HEADINGS),
            made.line(*ANN, more='table:visibility="filter"'),
            made.line(*BOB, more='table:visibility="collapse"'),
            made.line(*CY),
            columns=columns,
        ),
    )
    opened = open_list(path)
    assert rows_of(opened) == [(CY[0], CY[2])]
    assert numbers_of(opened) == [4]
    assert remarks(opened) == {"other_sheets": 1, "hidden_rows": 2, "hidden_columns": 1}


def test_numbers_rows_as_excel_does_around_blank_ones(tmp_path: Path) -> None:
    """NEW-6: a row is found again by its number."""
    path = made.excel(
        tmp_path / "list.xlsx", [(), made.HEADINGS, ANN, (), BOB, ("", " ", ""), (), CY]
    )
    opened = open_list(path)
    assert rows_of(opened) == [ANN, BOB, CY]
    assert numbers_of(opened) == [3, 5, 8]
    assert remarks(opened) == {"blank_rows": 3}


def test_a_table_may_stand_away_from_the_corner(tmp_path: Path) -> None:
    """Fault 46: columns keep the letters that they have in the sheet."""
    rows = [("", *made.HEADINGS), ("", *ANN)]
    opened = open_list(made.excel(tmp_path / "list.xlsx", [[None, *row[1:]] for row in rows]))
    assert opened.columns == ("(column A)", *made.HEADINGS)
    assert rows_of(opened) == [("", *ANN)]


def test_a_cell_beyond_the_headings_makes_its_row_unreadable(tmp_path: Path) -> None:
    """NEW-6: the row gets an outcome, and nothing of it is lost."""
    opened = open_list(
        made.excel(tmp_path / "list.xlsx", [made.HEADINGS, ANN, (*BOB, "moved"), CY])
    )
    [block] = opened.blocks()
    assert list(block.unreadable) == [False, True, False]
    assert block.frame.iloc[1, 2] == "07700900002 | moved"
    assert remarks(opened) == {"unreadable_row": 1}


def _protected(path: Path) -> Path:
    return made.open_document(
        path, made.sheet(), manifest="<manifest:encryption-data></manifest:encryption-data>"
    )


def _cell_far_away(path: Path) -> Path:
    def write(book: Any) -> None:
        book.active.cell(1_000_000, 100).value = "x"

    return made.excel(path, [made.HEADINGS, ANN], write)


def _uncomputed(path: Path) -> Path:
    return made.excel(path, [made.HEADINGS, ("=A3", "Zebedee", "1")])


def _no_sheet_shown(path: Path) -> Path:
    path = made.excel(path, [made.HEADINGS, ANN])
    return made.altered(
        path, "xl/workbook.xml", lambda xml: xml.replace(b'state="visible"', b'state="hidden"')
    )


def _entities(path: Path) -> Path:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    path = made.excel(path, [made.HEADINGS, ANN])
    return made.altered(path, "xl/worksheets/sheet1.xml", lambda xml: bomb + xml)


def _row_twice(path: Path) -> Path:
    path = made.excel(path, [made.HEADINGS, ANN, BOB])
    return made.altered(
        path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'r="3"', b'r="2"')
    )


def _cell_in_another_row(path: Path) -> Path:
    path = made.excel(path, [made.HEADINGS, ANN, BOB])
    return made.altered(
        path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'r="C3"', b'r="C1048576"')
    )


def _unknown_encoding(path: Path) -> Path:
    path = made.excel(path, [made.HEADINGS, ANN])
    start = b'<?xml version="1.0" encoding="UTF-98"?>'
    return made.altered(path, "xl/worksheets/sheet1.xml", lambda xml: start + xml)


def _values_without_type(path: Path) -> Path:
    row = (
        '<table:table-row table:number-rows-repeated="1000000">'
        '<table:table-cell table:number-columns-repeated="16384" office:value="1"/></table:table-row>'
    )
    return made.open_document(path, made.sheet(made.line(*made.HEADINGS), row))


def _lying_size(path: Path) -> Path:
    packed = made.bomb(30)
    # The sizes stand in the local header and in the directory; both are made small
    path.write_bytes(packed.replace((30_000_000).to_bytes(4, "little"), b"\x10\0\0\0"))
    return path


def _bomb(path: Path) -> Path:
    path.write_bytes(made.bomb(200))
    return path


def _deep_repeat(path: Path) -> Path:
    row = made.line(*ANN, more='table:number-rows-repeated="1000000000"')
    return made.open_document(path, made.sheet(made.line(*made.HEADINGS), row))


REFUSED: tuple[tuple[str, Callable[[Path], Path], str, str], ...] = (
    ("bomb.xlsx", _bomb, "list-unpacks-too-large", "200,000,000"),
    ("liar.xlsx", _lying_size, "list-damaged", "damaged"),
    ("protected.ods", _protected, "list-encrypted", "password"),
    ("far.xlsx", _cell_far_away, "list-too-many-rows", "1,000,000"),
    ("repeat.ods", _deep_repeat, "list-too-many-rows", "1,000,000,001"),
    ("formula.xlsx", _uncomputed, "list-formulas", "row 2"),
    ("hidden.xlsx", _no_sheet_shown, "list-no-sheet", "visible"),
    ("entities.xlsx", _entities, "list-damaged", "damaged"),
    ("astray.xlsx", _cell_in_another_row, "list-damaged", "damaged"),
    ("encoding.xlsx", _unknown_encoding, "list-damaged", "damaged"),
    ("untyped.ods", _values_without_type, "list-too-many-columns", "16,384"),
    ("twice.xlsx", _row_twice, "list-damaged", "damaged"),
    ("empty.xlsx", lambda p: made.excel(p, []), "list-empty", "empty"),
    ("headings.xlsx", lambda p: made.excel(p, [made.HEADINGS]), "list-no-rows", "no patients"),
    (
        "rounded.xlsx",
        lambda p: made.excel(p, [made.HEADINGS, (9990000001, "", 4.4790000012345e17)]),
        "list-rounded-number",
        "row 2, column C (Mobile)",
    ),
    (
        "text.xlsx",
        lambda p: made.excel(p, [made.HEADINGS, ("9990000001", "", "4.479E+11")]),
        "list-rounded-number",
        "row 2, column C (Mobile)",
    ),
    (
        "macros.xlsx",
        lambda p: made.archive(p, {"xl/workbook.xml": b"", "xl/vbaProject.bin": b""}),
        "list-macros",
        "macros",
    ),
    (
        "word.docx",
        lambda p: made.archive(p, {"word/document.xml": b""}),
        "list-kind",
        "not an .xlsx",
    ),
    (
        "torn.xlsx",
        lambda p: made.archive(p, {"xl/workbook.xml": b"<workbook/>"}),
        "list-damaged",
        "damaged",
    ),
    (
        "wide.xlsx",
        lambda p: made.excel(p, [[f"c{i}" for i in range(201)]]),
        "list-too-many-columns",
        "201",
    ),
)


@pytest.mark.parametrize(
    ("name", "make", "code", "words"), REFUSED, ids=[row[0] for row in REFUSED]
)
def test_refuses_a_workbook(
    name: str, make: Callable[[Path], Path], code: str, words: str, tmp_path: Path
) -> None:
    """Faults 44 and 46: bombs, locks and traps are refused by name, and cost no memory."""
    path = make(tmp_path / name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ListRefused) as refusal:
        open_list(path)
    assert refusal.value.code == code
    assert name in refusal.value.says
    assert words in refusal.value.says
    assert "Zebedee" not in refusal.value.says
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_an_unpacked_size_over_the_limit_is_refused(tmp_path: Path) -> None:
    """ASVS 5.2.3: the unpacked size is bounded."""
    path = made.excel(tmp_path / "list.xlsx", [made.HEADINGS, ANN])
    with pytest.raises(ListRefused, match="list-unpacks-too-large"):
        open_list(path, limits=Limits(unpacked_bytes=1_000))


def test_a_formula_with_its_value_is_read(tmp_path: Path) -> None:
    """Fault 46: what Excel computed is what a person sees."""
    path = made.excel(tmp_path / "list.xlsx", [made.HEADINGS, ("=1+1", "Ann", "1")])
    path = made.altered(
        path,
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"<v />", b"<v>9990000001</v>").replace(
            b"<v></v>", b"<v>9990000001</v>"
        ),
    )
    assert rows_of(open_list(path)) == [("9990000001", "Ann", "1")]


CELLS = (
    ("text", "text"),
    (True, "TRUE"),
    (False, "FALSE"),
    (9990000001.0, "9990000001"),
    (447700900123, "447700900123"),
    (-3.0, "-3"),
    (0.1, "0.1"),
    (1e15, "1.00000000000000E+15"),
    (datetime.date(1980, 2, 29), "1980-02-29"),
    (datetime.datetime(1980, 2, 29), "1980-02-29"),  # noqa: DTZ001  a sheet has no zones
    (datetime.time(9, 5), "09:05:00"),
    (datetime.timedelta(hours=30), "1 day, 6:00:00"),
)


@pytest.mark.parametrize(("value", "text"), CELLS)
def test_a_cell_becomes_text(value: object, text: str) -> None:
    """Fault 46: a number of ten digits stays one."""
    assert cell_text(value) == text
