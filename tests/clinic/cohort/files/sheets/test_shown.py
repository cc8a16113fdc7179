"""Cells are written as the spreadsheet shows them: number formats, dates, times and money."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.cohort.files import open_list
from clinic.cohort.files.sheets.shown import is_known, shown_date, shown_number
from tests.clinic.cohort.files import workbooks as made

NUMBERS = (
    (421, "000000", "000421"),
    (421, '"P"0000', "P0421"),
    (7700900123, "00000 000000", "07700 900123"),
    (9990000018, "000\\ 000\\ 0000", "999 000 0018"),
    (8.5, "0.00", "8.50"),
    (8.5, '"£"#,##0.00', "£8.50"),
    (1234.5, "[$£-809]#,##0.00", "£1,234.50"),
    (1234567, "#,##0", "1,234,567"),
    (-3.5, "0.00", "-3.50"),
    (-3.5, '0.00;[Red]"minus "0.00', "minus 3.50"),
    (7.25, '_-"£"* #,##0.00_-;-"£"* #,##0.00_-;_-"£"* "-"??_-;_-@_-', "£7.25"),
    (0, '_-"£"* #,##0.00_-;-"£"* #,##0.00_-;_-"£"* "-"??_-;_-@_-', "£0.00"),
    (0.125, "0.0%", "12.5%"),
    (250, '0 "mg"', "250 mg"),
    (2.5, "0.##", "2.5"),
    (2, "General", None),
    (2, "@", None),
    (2.5, "# ?/?", None),
    (9990000018, "0.00E+00", None),
    (5, "[<100]0;00", None),
    (5000, "0,", None),
    (0, "#", None),
)


@pytest.mark.parametrize(("value", "code", "text"), NUMBERS)
def test_a_number_is_written_as_its_format_shows_it(
    value: float, code: str, text: str | None
) -> None:
    """PAT-7: what a person sees in the sheet; a format that says nothing leaves the number."""
    shown = shown_number(value, code)
    assert (shown and shown[0]) == text


@pytest.mark.parametrize("code", ["# ?/?", "0.00E+00", "[<100]0;00", "0,"])
def test_a_format_that_is_not_understood_is_told(code: str) -> None:
    """PAT-7: the list gets a remark, no guess."""
    assert not is_known(code)


@given(st.integers(0, 10**14), st.integers(1, 15))
def test_zeros_in_front_add_no_other_digit_and_drop_none(value: int, width: int) -> None:
    """PAT-7: the digits of an id stay whatever the width of its format."""
    shown = shown_number(float(value), "0" * width)
    assert shown == (str(value).zfill(width), False)


@given(st.integers(-(10**11), 10**11), st.sampled_from(["0.00", "#,##0.00", '"£"#,##0.00']))
def test_money_keeps_its_value(pence: int, code: str) -> None:
    """PAT-7: pounds and pence as they are, none rounded away."""
    shown = shown_number(pence / 100, code)
    assert shown is not None
    text, rounded = shown
    assert round(float(re.sub("[£,]", "", text)) * 100) == pence
    assert re.search(r"\d\.\d\d\Z", text)
    assert not rounded


MOMENT = datetime.datetime(2027, 3, 2, 9, 5)  # noqa: DTZ001  a sheet has no zones
DATES = (
    (MOMENT.date(), "dd/mm/yyyy", "2 March 2027"),
    (MOMENT.date(), "mm-dd-yy", "2 March 2027"),
    (MOMENT.date(), "", "2 March 2027"),
    (MOMENT, "", "2 March 2027 09:05"),
    (MOMENT, "d mmm", "2 March"),
    (MOMENT, "mmm-yy", "March 2027"),
    (MOMENT, "h:mm", "09:05"),
    (MOMENT, "dd/mm/yyyy hh:mm", "2 March 2027 09:05"),
    (MOMENT.date(), "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "Tuesday 2 March 2027"),
    (MOMENT.time(), "h:mm:ss", "09:05"),
    (MOMENT.time(), "h:mm AM/PM", "9:05 am"),
    (datetime.time(13, 0), "h:mm AM/PM", "1:00 pm"),
    (datetime.time(9, 5, 30), "h:mm:ss", "09:05:30"),
    (datetime.timedelta(hours=26, minutes=15), "[h]:mm", "26:15"),
)


@pytest.mark.parametrize(("value", "code", "text"), DATES)
def test_dates_and_times_are_written_as_people_write_them(value: Any, code: str, text: str) -> None:
    """PAT-7: no 09:05:00 and no 2027-03-02 in a message."""
    assert shown_date(value, code) == text


def _formats(book: Any) -> None:
    sheet = book.active
    for row in (2, 4):
        sheet.cell(row, 1).number_format = "000000"
        sheet.cell(row, 4).number_format = '"£"0.00'
    sheet.row_dimensions[2].hidden = True
    sheet.cell(3, 1).number_format = "#,##0"
    sheet.cell(3, 4).number_format = "# ?/?"
    sheet.cell(4, 5).number_format = "h:mm"


def test_the_formats_of_a_workbook_count_cell_by_cell(tmp_path: Path) -> None:
    """PAT-7: an id of the practice keeps its zeros, a date of birth stays one for the checks."""
    born, clinic = datetime.date(1980, 3, 4), datetime.time(14, 30)
    path = made.excel(
        tmp_path / "list.xlsx",
        [
            ("Patient ID", "Mobile", "Date of Birth", "Fee", "At"),
            (99, "1", born, 1.5, clinic),
            (4210, "2", born, 2.5, clinic),
            (421, "3", born, 12.505, clinic),
            (422, "4", born, 3, clinic),
        ],
        _formats,
    )
    opened = open_list(path)
    assert [list(row) for block in opened.blocks() for row in block.frame.to_numpy()] == [
        ["4210", "2", "1980-03-04", "2.5", "14:30"],
        ["000421", "3", "1980-03-04", "£12.51", "14:30"],
        ["422", "4", "1980-03-04", "3", "14:30"],
    ]
    found = {one.code: (one.count, one.rows) for one in opened.notices}
    assert found == {
        "hidden_rows": (1, [2]),
        "format_unknown": (1, []),
        "rounded_as_shown": (1, [4]),
    }


def test_an_open_document_says_itself_what_it_shows(tmp_path: Path) -> None:
    """PAT-7: .ods too."""

    def number(kind: str, value: str, shown: str) -> str:
        attribute = {"date": "date-value", "time": "time-value"}.get(kind, "value")
        return (
            f'<table:table-cell office:value-type="{kind}" office:{attribute}="{value}">'
            f"<text:p>{shown}</text:p></table:table-cell>"
        )

    heading = made.line("Patient ID", "Mobile", "Date of Birth", "Fee", "On", "At")
    row = (
        number("float", "421", "000421")
        + number("float", "7700900123", "7,700,900,123")
        + number("date", "1980-03-04", "04/03/80")
        + number("currency", "8.5", "£8.50")
        + number("date", "2027-03-02", "2 March 2027")
        + number("time", "PT09H05M00S", "09:05")
    )
    sheet = made.sheet(
        heading, f'<table:table-row table:number-rows-repeated="2">{row}</table:table-row>'
    )
    opened = open_list(made.open_document(tmp_path / "list.ods", sheet))
    [block] = opened.blocks()
    wanted = ["000421", "7700900123", "1980-03-04", "£8.50", "2 March 2027", "09:05"]
    assert [list(row) for row in block.frame.to_numpy()] == [wanted, wanted]
