"""A title above the heading is left out, a patient never."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.cohort.files import open_list
from clinic.errors import ListRefused
from tests.clinic.cohort.files import workbooks as made

HEADING = ["NHS Number", "Date of Birth", "Mobile", "Note"]
ANN = ["9990000018", "04/03/1980", "07700900001", "x"]
TITLES = (
    ("one line", [["Asthma review"]]),
    ("a title, a date and a blank row", [["Asthma review"], ["Run on:", "28/11/2026"], [""]]),
    ("a word that is also a heading", [["Patient"]]),
)


def _csv(path: Path, rows: list[list[str]]) -> Path:
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("write", [_csv, made.excel])
@pytest.mark.parametrize("titles", [rows for _, rows in TITLES], ids=[why for why, _ in TITLES])
def test_the_heading_is_found_under_a_title(write, titles, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """PAT-7: the rows keep the numbers that the file shows, and the title is a remark."""
    opened = open_list(write(tmp_path / "list", [*titles, HEADING, ANN]))
    [block] = opened.blocks()
    assert list(opened.columns) == HEADING
    assert [list(row) for row in block.frame.to_numpy()] == [ANN]
    assert list(block.frame.index) == [len(titles) + 2]
    found = {notice.code: notice.rows for notice in opened.notices}
    assert found == {"title_rows": [i for i, row in enumerate(titles, 1) if row != [""]]}


# None: the first row is the heading, whatever stands below
ABOVE = (
    ("a patient", [["9990000026", "", "", ""]], "list-no-heading"),
    ("a row as full as the heading", [["421", "Ann", "Jones", "y"]], "list-columns-missing"),
    ("a heading of its own", [["Patient ID", "Fee"], ["421", "12"]], None),
)


@pytest.mark.parametrize("case", ABOVE, ids=[row[0] for row in ABOVE])
def test_whoever_may_be_a_patient_is_not_left_out(
    case: tuple[str, list[list[str]], str | None], tmp_path: Path
) -> None:
    """PAT-7: the file is refused or read from its first row."""
    _, above, code = case
    path = _csv(tmp_path / "list.csv", [*above, HEADING, ANN])
    if code:
        with pytest.raises(ListRefused) as refusal:
            open_list(path)
        assert refusal.value.code == code
    else:
        assert list(open_list(path).columns) == above[0]
