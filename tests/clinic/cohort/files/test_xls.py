"""Workbooks of before 2007 (.xls): read as they are shown, or refused in words that lead on."""

from __future__ import annotations

import random
import struct
import traceback
from pathlib import Path

import pytest

from clinic.cohort.files import Limits, ListFile, open_list
from clinic.errors import ListRefused
from tests.clinic.cohort.files import xls_made as made

HEADINGS = (
    "NHS Number", "Patient ID", "Name", "Date of Birth", "Mobile", "Clinic time", "Charge", "Consent",
    "Seen", "Left", "Greeting",
)  # fmt: skip
SIAN = (
    "9990000018", "000100", "Siân Ōtomo", "1980-12-31", "07700900001", "09:30", "£12.50", "TRUE",
    "1 December 2026 14:05", "1.5", "",
)  # fmt: skip
CY = (
    "9990000034", "002102", "Cy", "1904-02-29", "07700900003", "00:05", "£0.46", "TRUE",
    "3 December 2026", "2.25", "",
)  # fmt: skip


def rows_of(opened: ListFile) -> list[tuple[str, ...]]:
    return [tuple(row) for block in opened.blocks() for row in block.frame.to_numpy()]


def remarks(opened: ListFile) -> dict[str, list[int]]:
    return {notice.code: notice.rows or [notice.count] for notice in opened.notices}


def test_reads_what_a_person_sees_and_says_what_is_left_out(tmp_path: Path) -> None:
    """PAT-7: number formats count; hidden rows, columns and sheets are left out, and said."""
    opened = open_list(made.written(tmp_path / "recall.xls", made.RECALL))
    assert (opened.columns, opened.encoding, opened.delimiter) == (HEADINGS, "xls", "")
    assert rows_of(opened) == [SIAN, CY]
    assert [number for block in opened.blocks() for number in block.frame.index] == [3, 5]
    assert remarks(opened) == {
        "other_sheets": [2],
        "title_rows": [1],
        "hidden_rows": [4],
        "hidden_columns": [1],
        "format_unknown": [2],
        "rounded_as_shown": [5],
        "empty_formula": [3],
    }


def _hide_by_default(content: bytearray, at: int) -> None:
    content[at] |= 0b10


def test_rows_that_nothing_describes_are_hidden_where_the_sheet_says_so(tmp_path: Path) -> None:
    """A row without a record of its own follows the sheet; those that have one are shown."""
    content = bytearray(made.patched(made.DEFAULT_ROW_HEIGHT, _hide_by_default))
    rows = [at + 512 for at, code, _ in made.records(made.RECALL[512:]) if code == 0x208]
    [last] = [at for at in rows if struct.unpack_from("<H", content, at + 4) == (4,)]
    content[last] = 0x07  # an unused code in the place of the record of row 5
    opened = open_list(made.written(tmp_path / "recall.xls", bytes(content)))
    assert rows_of(opened) == [SIAN]
    assert remarks(opened)["hidden_rows"] == [4, 5]


def test_dates_are_counted_from_the_day_that_the_file_names(tmp_path: Path) -> None:
    """Files of a Mac count from 1904: read otherwise, every patient would be four years older."""
    content = made.patched(0x22, lambda data, at: data.__setitem__(at, 1))
    opened = open_list(made.written(tmp_path / "mac.xls", content))
    assert [row[3] for row in rows_of(opened)] == ["1985-01-01", "1908-03-01"]


def _hidden(content: bytearray, at: int) -> None:
    content[at + 4] = 2


def _kind(kind: int) -> bytes:
    return made.patched(made.BOUNDSHEET, lambda data, at: data.__setitem__(at + 5, kind))


def _old(content: bytearray, at: int) -> None:
    content[at + 1] = 5


REFUSED: tuple[tuple[str, bytes, str, str], ...] = (
    ("hidden.xls", made.patched(made.BOUNDSHEET, _hidden), "list-no-sheet", "no visible sheet"),
    ("charts.xls", _kind(2), "list-no-sheet", "no visible sheet"),
    ("macro sheet.xls", _kind(1), "list-macros", "macros"),
    (
        "macros.xls",
        made.container(Workbook=made.stream(), _VBA_PROJECT_CUR=b""),
        "list-macros",
        "macros",
    ),
    (
        "locked.xls",
        made.with_records(of_book=made.record(made.FILEPASS, b"\1\0" + b"\0" * 52)),
        "list-encrypted",
        "password",
    ),
    ("locked.xlsx", made.container(EncryptedPackage=b""), "list-encrypted", "password"),
    ("1995.xls", made.patched(made.BOF, _old), "list-legacy-excel", "before 1997"),
    ("book.xls", made.container(Book=b""), "list-legacy-excel", "save it as .xlsx"),
    ("1993.xls", b"\x09\x04\x06\x00" + b"\0" * 60, "list-legacy-excel", "before 1997"),
    ("letter.xls", made.container(WordDocument=b""), "list-kind", "a Word document"),
    (
        "mail.xls",
        made.container(**{"__properties_version1.0": b""}),
        "list-kind",
        "an Outlook message",
    ),
    ("plan.xls", made.container(VisioDocument=b""), "list-kind", "no workbook"),
    ("zeros.xls", made.RECALL[:8] + b"\0" * 600, "list-damaged", "damaged"),
)


@pytest.mark.parametrize(
    ("name", "content", "code", "words"), REFUSED, ids=[row[0] for row in REFUSED]
)
def test_refuses_what_is_no_list_in_the_right_words(
    name: str, content: bytes, code: str, words: str, tmp_path: Path
) -> None:
    """Every container of an Office program looks alike; what to do is not the same for each."""
    with pytest.raises(ListRefused) as refusal:
        open_list(made.written(tmp_path / name, content))
    assert (refusal.value.code, name in refusal.value.says) == (code, True)
    assert words in refusal.value.says


def _names_that_call_each_other_twice() -> bytes:
    """Forty names, each the text of the one before it, twice: worked out they fill any memory."""
    formulas = [b"\x17\xc8\0" + b"Z" * 200]
    formulas += [b"\x43" + struct.pack("<HH", i, 0) + b"\x43" + struct.pack("<HH", i, 0) + b"\x08"
                 for i in range(1, 40)]  # fmt: skip
    names = (
        struct.pack("<HBBHHH4B", 0, 0, 2, len(formula), 0, 0, 0, 0, 0, 0)
        + b"\0N%c" % (48 + i)
        + formula
        for i, formula in enumerate(formulas)
    )
    return b"".join(made.record(0x18, name) for name in names)


def _a_link_over_the_whole_sheet() -> bytes:
    guid = bytes.fromhex("d0c9ea79f9bace118c8200aa004ba90b")
    place = struct.pack("<4H", 0, 65535, 0, 255)
    return made.record(0x1B8, place + guid + struct.pack("<ii", 2, 0))


def test_what_no_list_needs_is_passed_over(tmp_path: Path) -> None:
    """Names and links of a few bytes that would fill the memory are not worked out."""
    content = made.with_records(
        of_book=_names_that_call_each_other_twice(), of_sheet=_a_link_over_the_whole_sheet()
    )
    assert rows_of(open_list(made.written(tmp_path / "list.xls", content))) == [SIAN, CY]


def test_a_second_cell_in_the_place_of_another_is_refused(tmp_path: Path) -> None:
    """Neither may hide the other."""
    twice = made.record(0x203, struct.pack("<HHHd", 2, 1, 0, 5.0))
    with pytest.raises(ListRefused, match="list-damaged"):
        open_list(made.written(tmp_path / "list.xls", made.with_records(of_sheet=twice)))


LIMITS: tuple[tuple[Limits, str], ...] = (
    (Limits(columns=11), "list-too-many-columns"),
    (Limits(grid_cells=30), "list-too-many-rows"),
    (Limits(rows=1), "list-too-many-rows"),
    (Limits(unpacked_bytes=100), "list-unpacks-too-large"),
    (Limits(file_bytes=9_000), "list-too-large"),
)


@pytest.mark.parametrize(("limits", "code"), LIMITS, ids=[row[1] for row in LIMITS])
def test_the_limits_hold(limits: Limits, code: str, tmp_path: Path) -> None:
    """ASVS 5.2.3: size is bounded, whatever the kind of file."""
    path = made.written(tmp_path / "list.xls", made.RECALL)
    with pytest.raises(ListRefused) as refusal:
        open_list(path, limits=limits)
    assert refusal.value.code == code


def _broken(seed: int) -> bytes:
    """The workbook with some of its bytes changed."""
    chance = random.Random(seed)
    content = bytearray(made.RECALL)
    for _ in range(chance.choice((1, 1, 3, 8))):
        content[chance.randrange(len(content))] = chance.choice((0, 1, 127, 128, 255))
    return bytes(content)


def _said_of(path: Path) -> tuple[str, str]:
    """The code of the refusal and all that would be printed of it; "" and the rows if it is read."""
    try:
        return "", str(rows_of(open_list(path)))
    except ListRefused as refusal:
        return refusal.code, "".join(traceback.format_exception(refusal))


def test_a_damaged_file_is_read_or_refused_and_nothing_of_it_is_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Bytes changed, or the end cut off: rows, or a refusal without a cell; never a warning."""
    changed = [_broken(seed) for seed in range(100)]
    cut = [made.RECALL[:end] for end in range(512, len(made.RECALL), 512)]
    said = [
        _said_of(made.written(tmp_path / f"{number}.xls", content))
        for number, content in enumerate(changed + cut)
    ]
    assert {code for code, _ in said[len(changed) :]} == {"list-damaged"}
    assert {code for code, _ in said[: len(changed)]} > {"", "list-damaged"}
    shown = [text for code, text in said if code]
    assert not [t for t in shown if any(w in t for w in ("Zebedee", "Bob", "Siân", "0770090"))]
    assert capfd.readouterr() == ("", "")
