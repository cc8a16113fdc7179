"""A column that looks like one that should be used, and is not, is told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.cohort.files import open_list
from clinic.cohort.import_list import take_in_file
from clinic.cohort.remarks import list_remarks
from clinic.record.database import Record
from tests.fakes import FakeClock

# Why, cells of the column "Extra", the remark
COLUMNS = (
    ("mobiles", ("07700 900123", "+44 7700 900456", "07700900789"), "unused_phones"),
    ("landlines", ("020 7946 0123", "(029) 2018 0456", ""), "unused_phones"),
    ("NHS numbers", ("999 000 0018", "9990000999", ""), "unused_nhs_numbers"),
    ("dates of birth", ("31/12/1980", "1.2.1950", "1999-03-04"), "unused_birth_dates"),
    ("dates of birth with months", ("31-Dec-1980", "1 Feb 1950", ""), "unused_birth_dates"),
    ("two-digit years", ("31/12/80", "1.2.50", "4-Mar-99"), "unused_birth_dates"),
    ("years first, ordinals", ("19550403", "3rd April 1955", "May 4 1961"), "unused_birth_dates"),
    (
        "numbers with notes",
        ("07700 900123 (wife)", "home: 01632 960456", "unknown"),
        "unused_phones",
    ),
    ("several addresses", ("Ann <a@example.org>", "b@x.org; c@x.org", "N/A"), "unused_emails"),
    ("next visits", ("31/12/26", "1 Feb 27", "20270202"), None),
    ("e-mail addresses", ("a@example.org", "b.c@example.org", "none"), "unused_emails"),
    ("dates of visits", ("31/12/2026", "01/02/2027", "02/02/2027"), None),
    ("words", ("yes", "call 07700 900123 after 5", ""), None),
    ("short numbers", ("12", "1001", "55"), None),
    ("nothing", ("", "", ""), None),
)


def listed(folder: Path, cells: tuple[str, ...], heading: str = "Extra") -> Path:
    path = folder / "list.csv"
    ids = ("9990000018", "9990000999", "9990000026")
    rows = [f"{one},{cell}" for one, cell in zip(ids, cells, strict=True)]
    path.write_text("\n".join([f"NHS Number,{heading}", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("cells", "code"), [case[1:] for case in COLUMNS], ids=[case[0] for case in COLUMNS]
)
def test_a_column_is_judged_by_its_values(
    tmp_path: Path, cells: tuple[str, ...], code: str | None
) -> None:
    """PAT-9: an unknown heading switches no check off in silence."""
    found = [(n.code, n.column, n.must_be_seen) for n in open_list(listed(tmp_path, cells)).notices]
    assert found == ([(code, "Extra", True)] if code else [])


@pytest.mark.parametrize(
    ("heading", "code"),
    [("Child date of birth", "unused_birth_dates"), ("DOB of baby", "unused_birth_dates"),
     ("Jab", None)],
)  # fmt: skip
def test_dates_of_birth_of_children_are_told_by_the_heading(
    tmp_path: Path, heading: str, code: str | None
) -> None:
    """PAT-9: dates of last year could be visits too."""
    path = listed(tmp_path, ("04/05/2024", "2025-06-07", "1/2/26"), heading)
    assert [notice.code for notice in open_list(path).notices] == ([code] if code else [])


def test_a_column_that_is_used_is_not_told_of(tmp_path: Path) -> None:
    assert not open_list(listed(tmp_path, COLUMNS[0][1], "Mobile No.")).notices


def test_remarks_are_kept_with_the_list(record: Record, clock: FakeClock, tmp_path: Path) -> None:
    """PAT-9: review, summary and run say what the check of the list said."""
    path = listed(tmp_path, COLUMNS[0][1])
    list_id = take_in_file(
        record, clock, path, request_key="k", name="N", scheme="generic", taken_by="ann"
    )
    with record.read() as connection:
        assert list_remarks(connection, list_id) == open_list(path).notices


def test_a_space_before_quotation_marks_keeps_every_check(tmp_path: Path) -> None:
    """PAT-9: `"NHS Number", "Date of Birth"` is read as it is meant, line breaks and commas too."""
    path = tmp_path / "list.csv"
    path.write_text(
        '"NHS Number", "Date of Birth", "Mobile", "Note"\n'
        '"9990000018", "31/12/1980", "07700 900123", "one, ""two"""\n'
        '"9990000999",   "01/02/1950", 07700 900456, "three"\n',
        encoding="utf-8",
    )
    opened = open_list(path)
    assert set(opened.fields) == {"nhs_number", "birth_date", "mobile"}
    [block] = opened.blocks()
    assert block.frame["Note"].tolist() == ['one, "two"', "three"]
    assert block.frame["Date of Birth"].tolist() == ["31/12/1980", "01/02/1950"]
    assert not block.unreadable.any()


def test_letters_of_another_encoding_are_told_of(tmp_path: Path) -> None:
    """PAT-8: Mac Roman read as Windows-1252 turns Siân into another name."""
    path = tmp_path / "list.csv"
    text = "NHS Number,First Name\n9990000018,Siân\n9990000999,Zoë\n"
    path.write_bytes(text.encode("mac_roman"))
    found = {notice.code: notice.rows for notice in open_list(path).notices}
    assert found["odd_letters"] == [2]
    path.write_bytes(text.encode("cp1252"))
    assert [notice.code for notice in open_list(path).notices] == ["not_utf8"]
