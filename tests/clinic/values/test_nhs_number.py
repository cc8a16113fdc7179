"""NHS numbers: the checksum as the Data Dictionary has it, whatever the spelling."""

from __future__ import annotations

import re
import unicodedata

import nhs_number
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stdnum.gb import nhs

from clinic.values.nhs_number import judge_nhs_numbers

READ = [
    ("9434765919", "as digits"),
    ("943 476 5919", "as it is printed"),
    ("943-476-5919", "with hyphens"),
    (" 9434765919 ", "spaces around"),
    ("943\u00a0476\u00a05919", "spaces that do not break"),
    ("943\u2013476\u20135919", "dashes"),
    ("９４３４７６５９１９", "full-width digits"),
    ("\ufeff9434765919\u200b", "marks nobody sees"),
    ("'9434765919", "Excel's mark for text"),
]

REFUSED = [
    ("9434765918", "a wrong check digit"),
    ("943476591", "nine digits"),
    ("94347659190", "eleven"),
    ("0000000000", "passes the checksum, is nobody"),
    ("1111111111", "so does this"),
    ("4444444444", "all the same"),
    ("9434765919 (Ann)", "a note"),
    ("943476591O", "the letter O"),
    ("9.43E+09", "rounded by a spreadsheet"),
    ("٩٤٣٤٧٦٥٩١٩", "digits of another script"),
    ("943476591⁹", "a footnote is no digit"),
    ("n/a", "a word for nothing is not nothing"),
]


@pytest.mark.parametrize(("text", "why"), READ)
def test_every_usual_spelling_is_read(text: str, why: str) -> None:
    """ACX-25: accepted is who has a valid NHS number."""
    judged = judge_nhs_numbers(pd.Series([text])).iloc[0]
    assert (judged["nhs_number"], judged["fault"]) == ("9434765919", ""), why


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_numbers_that_cannot_be_are_refused(text: str, why: str) -> None:
    """ACX-26: not accepted is who has none."""
    judged = judge_nhs_numbers(pd.Series([text])).iloc[0]
    assert (judged["nhs_number"], judged["fault"]) == ("", "nhs_number_invalid"), why


@pytest.mark.parametrize("text", ["", "  ", "\u00a0", "-", None, np.nan])
def test_nothing_is_missing_not_invalid(text: object) -> None:
    judged = judge_nhs_numbers(pd.Series([text], dtype=object)).iloc[0]
    assert (judged["nhs_number"], judged["fault"]) == ("", "nhs_number_missing")


def test_the_index_stays_and_an_empty_column_is_no_fault() -> None:
    judged = judge_nhs_numbers(pd.Series(["9434765919", ""], index=["b", "a"]))
    assert list(judged.index) == ["b", "a"]
    assert list(judged.columns) == ["nhs_number", "fault"]
    assert len(judge_nhs_numbers(pd.Series([], dtype="str"))) == 0


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 10**10 - 1), max_size=50))
def test_stdnum_agrees_on_all_ten_digits(numbers: list[int]) -> None:
    """A second opinion, less its one gap: ten times the same digit."""
    texts = [f"{number:010d}" for number in numbers]
    judged = judge_nhs_numbers(pd.Series(texts, dtype="str"))
    expected = [nhs.is_valid(text) and len(set(text)) > 1 for text in texts]
    assert (judged["fault"] == "").tolist() == expected


_WRITTEN = st.lists(
    st.sampled_from(["943", "476", "5919", "9434765919", "999", "000", "0018", "1", "x", "/"])
    | st.sampled_from([" ", "-", "\u00a0", "\u2011", "\u200b", "\t", "'", ".", "９", "²", ".0"]),
    max_size=9,
).map("".join)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(_WRITTEN, max_size=40))
@example(["\u200b943 476\u00a05919", "943-476-5919", "9434765919.0", "9434765919x"])
def test_a_number_is_never_cut_or_mended(texts: list[str]) -> None:
    """ARC-7: all its digits and no other sign, and judged again it is the same."""
    judged = judge_nhs_numbers(pd.Series(texts, dtype="str"))
    for text, number, fault in zip(texts, judged["nhs_number"], judged["fault"], strict=True):
        assert bool(number) != bool(fault)
        if number:
            seen = unicodedata.normalize("NFKC", text.replace("²", "x"))
            assert re.sub("[^0-9]", "", seen) == number
            assert not re.search(r"[A-Za-z/.]", seen)
    again = judge_nhs_numbers(judged["nhs_number"])
    assert again["nhs_number"].tolist() == judged["nhs_number"].tolist()


def test_synthetic_numbers_are_valid() -> None:
    made = nhs_number.generate(for_region=nhs_number.REGION_SYNTHETIC, quantity=200)
    judged = judge_nhs_numbers(pd.Series(made, dtype="str"))
    assert judged["nhs_number"].tolist() == made


def test_rows_are_judged_by_place_whatever_their_index() -> None:
    judged = judge_nhs_numbers(
        pd.Series(["9434765919", "９434765919", "", "x"], index=[1, 1, 1, 1])
    )
    assert judged["fault"].tolist() == ["", "", "nhs_number_missing", "nhs_number_invalid"]
