"""Dates of birth: read in every usual order, refused where two readings are possible."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.values.dates import Order, infer_order, read_dates

TODAY = date(2026, 3, 2)

READ = [
    ("1980-12-31", date(1980, 12, 31), "ISO 8601"),
    ("1980-1-5", date(1980, 1, 5), "with zeros left out"),
    ("1980-12-31 00:00:00", date(1980, 12, 31), "a spreadsheet's midnight"),
    ("1980-12-31T00:00:00Z", date(1980, 12, 31), "a system's"),
    ("19801231", date(1980, 12, 31), "HL7"),
    ("31/12/1980", date(1980, 12, 31), "day first can be told"),
    ("12/31/1980", date(1980, 12, 31), "month first can be told"),
    ("31.12.1980", date(1980, 12, 31), "dots"),
    ("31-12-1980", date(1980, 12, 31), "hyphens"),
    ("31 12 1980", date(1980, 12, 31), "spaces"),
    ("31-Dec-1980", date(1980, 12, 31), "EMIS"),
    ("31 Dec 1980 00:00:00", date(1980, 12, 31), "SystmOne"),
    ("5 December 1980", date(1980, 12, 5), "in words"),
    ("05-DEC-1980", date(1980, 12, 5), "capitals"),
    ("5 Sept 1980", date(1980, 9, 5), "four letters"),
    ("5/5/1980", date(1980, 5, 5), "both readings are the same day"),
    ("31/12/80", date(1980, 12, 31), "2080 is not yet"),
    ("29/02/1980", date(1980, 2, 29), "a leap year"),
    ("３１/１２/１９８０", date(1980, 12, 31), "full-width digits"),
    ("2026-03-02", TODAY, "born today"),
    ("1901-06-01", date(1901, 6, 1), "very old"),
]

REFUSED = [
    ("01/02/1980", "1 February or 2 January"),
    ("31/12/20", "1920 or 2020"),
    ("29/02/1981", "no leap year"),
    ("31/04/1980", "April has 30 days"),
    ("1980-13-01", "no month 13"),
    ("00/00/0000", "nobody's"),
    ("2026-03-03", "tomorrow"),
    ("1880-01-01", "older than anybody"),
    ("29586", "Excel's serial number: two calendars count differently"),
    ("31/12-1980", "mixed"),
    ("1980", "a year"),
    ("Dec 1980", "a month"),
    ("31-Foo-1980", "no month"),
    ("31-Ma-1980", "March or May"),
    ("1980-12-31 14:30", "an instant, not a day"),
    ("٣١/١٢/١٩٨٠", "digits of another script"),
    ("unknown", "a word"),
]

ORDERS: list[tuple[list[str], Order, Order, str]] = [
    (["01/02/1980", "13/02/1980"], "ambiguous", "dmy", "a 13 in first place"),
    (["01/02/1980", "02/13/1980"], "ambiguous", "mdy", "a 13 in second"),
    (["01/02/1980", "02/13/1980"], "dmy", "mdy", "the column knows better than the setting"),
    (["01/02/1980", "03/04/1980"], "ambiguous", "ambiguous", "nothing tells"),
    (["01/02/1980", "03/04/1980"], "dmy", "dmy", "so the setting decides"),
    (["13/02/1980", "02/13/1980"], "ambiguous", "ambiguous", "both: not one order"),
    (["13/02/1980", "02/13/1980"], "dmy", "dmy", "both: the setting decides"),
    (["1980-12-31", "31-Dec-1980"], "ambiguous", "ambiguous", "these tell nothing"),
    (["45/46/1980"], "ambiguous", "ambiguous", "nor does what is no date"),
]


def read(texts: list[str], order: Order = "ambiguous") -> list[date | None]:
    frame = read_dates(pd.Series(texts, dtype="str"), today=TODAY, order=order)
    return [None if pd.isna(day) else day.date() for day in frame["date"]]


@pytest.mark.parametrize(("text", "day", "why"), READ)
def test_a_date_with_one_meaning_is_read(text: str, day: date, why: str) -> None:
    assert read([text]) == [day], why


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_a_date_with_two_meanings_or_none_is_refused(text: str, why: str) -> None:
    judged = read_dates(pd.Series([text]), today=TODAY).iloc[0]
    assert (judged["date"] is pd.NaT, judged["fault"]) == (True, "birth_date_invalid"), why


@pytest.mark.parametrize(("texts", "setting", "expected", "why"), ORDERS)
def test_the_order_is_proved_by_the_whole_column(
    texts: list[str], setting: Order, expected: Order, why: str
) -> None:
    assert infer_order(texts, otherwise=setting) == expected, why


def test_one_telling_row_settles_all_others() -> None:
    assert read(["01/02/1980", "13/02/1980"]) == [date(1980, 2, 1), date(1980, 2, 13)]
    assert read(["01/02/1980", "02/13/1980"]) == [date(1980, 1, 2), date(1980, 2, 13)]


def test_a_known_order_binds_every_row() -> None:
    """A slip of the key in a UK list is refused; it does not turn the list's other dates round."""
    texts = ["01/02/1980", "13/02/1980", "02/13/1980"]
    assert read(texts, "dmy") == [date(1980, 2, 1), date(1980, 2, 13), None]
    assert read(texts) == [None, date(1980, 2, 13), date(1980, 2, 13)]


@pytest.mark.parametrize("nothing", ["", "  ", None, float("nan")])
def test_nothing_is_missing_not_invalid(nothing: object) -> None:
    judged = read_dates(pd.Series([nothing], dtype=object), today=TODAY).iloc[0]
    assert (judged["date"] is pd.NaT, judged["fault"]) == (True, "birth_date_missing")


def test_days_are_dates_of_seconds_and_the_index_stays() -> None:
    frame = read_dates(pd.Series(["1980-12-31", "x"], index=[4, 2]), today=TODAY)
    assert str(frame["date"].dtype) == "datetime64[s]"
    assert list(frame.index) == [4, 2]
    empty = read_dates(pd.Series([], dtype="str"), today=TODAY)
    assert (len(empty), str(empty["date"].dtype)) == (0, "datetime64[s]")


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.dates(TODAY - timedelta(days=120 * 365), TODAY))
def test_every_day_of_a_life_survives_every_spelling(day: date) -> None:
    for shape in ("%Y-%m-%d", "%Y%m%d", "%d-%b-%Y", "%d %B %Y"):
        assert read([day.strftime(shape)]) == [day]
    for shape in ("%d/%m/%Y", "%d.%m.%Y"):
        assert read([day.strftime(shape), "31/12/1980"]) == [day, date(1980, 12, 31)]
    assert read([day.strftime("%m/%d/%Y"), "12/31/1980"]) == [day, date(1980, 12, 31)]


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.lists(st.text(max_size=12) | st.text("0123456789/-. :TJanMay", max_size=12), max_size=20))
def test_any_text_gets_a_day_of_the_past_or_a_fault_never_both(texts: list[str]) -> None:
    judged = read_dates(pd.Series(texts, dtype="str"), today=TODAY)
    for day, fault in judged.itertuples(index=False):
        assert pd.isna(day) == (fault != "")
        assert pd.isna(day) or day.date() <= TODAY
