"""What nobody sees or typed is taken out of cells, with a remark; nothing that matters goes with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.cohort.files import ListFile, open_list
from clinic.cohort.files.clean import without_formula, without_point_zero, without_unseen
from tests.clinic.cohort.files import workbooks as made

HEADING = ("NHS Number", "Patient ID", "Mobile", "Email", "Note")
FILLED = ("9990000018", "7", "07700900001", "ann@example.nhs.uk", "x")

# What stands in which column; what is read; the remark
CELLS = (
    ("Note", "\u200b", "", "unseen_removed"),
    ("Note", "Sto\u00adma\u2060 nurse", "Stoma nurse", "unseen_removed"),
    ("Note", "\u202eabc\u202c", "abc", "unseen_removed"),
    ("Note", "\u200fשלום\u200e", "שלום", "unseen_removed"),
    ("Email", "\ufeffann@example.nhs.uk", "ann@example.nhs.uk", "unseen_removed"),
    ("Email", "ann\u200d@example.nhs.uk", "ann@example.nhs.uk", "unseen_removed"),
    ("Note", "می\u200cخواهم", "می\u200cخواهم", None),
    ("Note", "👩\u200d⚕️", "👩\u200d⚕️", None),
    ("NHS Number", '="9990000018"', "9990000018", "formula_as_text"),
    ("Patient ID", '="000421"', "000421", "formula_as_text"),
    ("Note", '="a" or "b"', '="a" or "b"', None),
    ("NHS Number", "9990000018.0", "9990000018", "point_zero"),
    ("Mobile", "447700900001.0", "447700900001", "point_zero"),
    ("Patient ID", "12.0", "12.0", "id_point_zero"),
    ("Note", "1.0", "1.0", None),
    ("Mobile", "07700.900001", "07700.900001", None),
)


def _file(path: Path, kind: str, row: list[str]) -> Path:
    if kind == "xlsx":
        return made.excel(path, [HEADING, row])
    cells = ['"' + cell.replace('"', '""') + '"' for cell in row]
    path.write_text(",".join(HEADING) + "\n" + ",".join(cells) + "\n", encoding="utf-8")
    return path


def _row(opened: ListFile) -> list[str]:
    [block] = opened.blocks()
    return list(block.frame.iloc[0])


# What begins with "=" is a formula in a workbook, and no text
BY_KIND = [
    (*case, kind) for case in CELLS for kind in ("csv", "xlsx")
    if not (kind == "xlsx" and case[1].startswith("="))
]  # fmt: skip


@pytest.mark.parametrize(("column", "cell", "read", "code", "kind"), BY_KIND)
def test_a_cell_is_read_without_what_nobody_sees(
    column: str, cell: str, read: str, code: str | None, kind: str, tmp_path: Path
) -> None:
    """PAT-7: one mark refuses no file, and each change is a remark."""
    at = HEADING.index(column)
    row = [*FILLED[:at], cell, *FILLED[at + 1 :]]
    opened = open_list(_file(tmp_path / f"list.{kind}", kind, row))
    assert _row(opened) == [*FILLED[:at], read, *FILLED[at + 1 :]]
    found = {notice.code: notice.rows for notice in opened.notices}
    assert found == ({code: [2]} if code else {})


def test_excels_text_formula_without_quotation_marks_around_it(tmp_path: Path) -> None:
    """PAT-7: as programs of surgeries write it."""
    path = tmp_path / "list.csv"
    path.write_text('NHS Number,Note\n="9990000018",x\n')
    assert _row(open_list(path)) == ["9990000018", "x"]


@pytest.mark.parametrize("clean", [without_unseen, without_formula, without_point_zero])
@given(text=st.text(alphabet=st.sampled_from('aé٣ن0.1="+-\u200b\u200d\u202e\u00ad ½'), max_size=9))
def test_cleaning_twice_is_cleaning_once_and_keeps_order(clean, text: str) -> None:  # type: ignore[no-untyped-def]
    """PAT-7: nothing is invented, joined in another order or lost but what the rule names."""
    once = clean(text)
    rest = iter(text)
    assert all(char in rest for char in once)
    assert [c for c in once if c.isalnum() and c != "0"] == [
        c for c in text if c.isalnum() and c != "0"
    ]
    if clean is not without_formula:
        assert clean(once) == once
