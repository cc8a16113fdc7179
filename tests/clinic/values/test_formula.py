"""What leaves for a spreadsheet is inert there, and comes back as it was."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.values.formula import plain_cell, plain_frame, safe_cell

RULE = settings(max_examples=300, deadline=None, derandomize=True)
TEXTS = st.text(
    st.one_of(st.sampled_from("'=+-@\t\r\n\x0001234567890＝＋－＠"), st.characters()), max_size=15
)

# Text, and what is written for it
CELLS = (
    ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
    ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
    ("-2+3", "'-2+3"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t=1"),
    ("\r=1", "'\r=1"),
    ("\n=1", "'\n=1"),
    ("\x00=1", "'\x00=1"),
    ("＝1", "'＝1"),
    ("+447700900123", "'+447700900123"),
    ("447700900123", "'447700900123"),
    ("07700900123", "'07700900123"),
    ("9990000001", "9990000001"),
    ("0", "0"),
    ("", ""),
    ("Siân", "Siân"),
    ("a=b", "a=b"),
    ("'t Hooft", "'t Hooft"),
    ("'=1", "''=1"),
    ("01/02/1980", "01/02/1980"),
)


@pytest.mark.parametrize(("text", "written"), CELLS)
def test_a_cell_is_written_so_that_a_spreadsheet_leaves_it_alone(text: str, written: str) -> None:
    """Fault 47, ACX-27: no formula runs, no number is rounded, no zero is lost."""
    assert safe_cell(text) == written
    assert plain_cell(written) == text


@RULE
@given(text=TEXTS)
def test_every_text_comes_back_as_it_was(text: str) -> None:
    """Fault 47: export and import are exact, also for what looks guarded already."""
    assert plain_cell(safe_cell(text)) == text


@RULE
@given(text=TEXTS)
def test_nothing_written_begins_a_formula(text: str) -> None:
    """Fault 47: = + - @ TAB CR LF NUL never come first, in any width."""
    assert safe_cell(text)[:1] not in set("=+-@\t\r\n\x00＝＋－＠")


@RULE
@given(texts=st.lists(TEXTS, min_size=1, max_size=6))
def test_a_frame_is_freed_as_its_cells_are(texts: list[str]) -> None:
    """Fault 47: whole columns at once, the same rule; what is no text stays what it is."""
    guarded = pd.Series([safe_cell(text) for text in texts], dtype="str")
    frame = pd.DataFrame({"a": guarded, "n": range(len(texts))})
    freed = plain_frame(frame)
    assert list(freed["a"]) == texts
    assert list(freed["n"]) == list(range(len(texts)))
    assert list(frame["a"]) == list(guarded)


def test_a_number_survives_csv() -> None:
    """Fault 47: +44… written, read by a CSV reader and freed is the same number."""
    out = io.StringIO(newline="")
    csv.writer(out).writerow([safe_cell("+447700900123")])
    [[read]] = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert plain_cell(read) == "+447700900123"
