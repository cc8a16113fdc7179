"""Pasted ids: one each, in their order."""

from __future__ import annotations

import pytest

from clinic.cohort.pasted import MOST_IDS, pasted_ids
from clinic.errors import ListRefused

TEXTS = (
    ("commas", "1,2,3", ["1", "2", "3"]),
    ("spaces, tabs and new lines", "1 2\t3\r\n4\n\n5", ["1", "2", "3", "4", "5"]),
    ("semicolons", "1;2; 3", ["1", "2", "3"]),
    ("order and repeats are kept", "3,1,3,2,1", ["3", "1", "3", "2", "1"]),
    ("commas too many", ",,1,,2,", ["1", "2"]),
    ("an NHS number as printed", "943 476 5919", ["943 476 5919"]),
    ("two of them", "943 476 5919, 943 476 5919", ["943 476 5919", "943 476 5919"]),
    ("with no-break spaces", "943\u00a0476\u00a05919", ["943\u00a0476\u00a05919"]),
    ("three local ids that only look like one", "123 456 7890", ["123", "456", "7890"]),
    ("and an NHS number after two others", "123 943 476 5919", ["123", "943 476 5919"]),
    ("with hyphens", "943-476-5919", ["943-476-5919"]),
    ("quoted, with a byte order mark", '\ufeff"943 476 5919"\r\n"L2"', ["943 476 5919", "L2"]),
    ("as Excel keeps a number as text", '="9434765919"\t\r\n\'L2', ["9434765919", "L2"]),
    ("typographic quotation marks", "\u201cL1\u201d; \u2018L2\u2019", ["L1", "L2"]),
    ("an apostrophe within an id", "O'B1 L2", ["O'B1", "L2"]),
    ("a slip in an NHS number alone on its line", "943 476 5910\nL2", ["943 476 5910", "L2"]),
    ("pipes, and a tab after each", "L1|L2\t\nL3\t", ["L1", "L2", "L3"]),
)


@pytest.mark.parametrize(("text", "ids"), [t[1:] for t in TEXTS], ids=[t[0] for t in TEXTS])
def test_ids_are_told_apart(text: str, ids: list[str]) -> None:
    """ALC-12: commas, spaces and new lines part ids; each, also a repeated one, gets an outcome."""
    assert pasted_ids(text) == ids


def test_a_million_ids_are_taken_and_one_more_is_refused() -> None:
    """ALC-12: the cap is exact, and the refusal says what to do."""
    text = "7 " * MOST_IDS
    assert len(pasted_ids(text)) == 1_000_000
    with pytest.raises(ListRefused, match=r"pasted-too-many.*1,000,000.*Split it"):
        pasted_ids(text + "7")


@pytest.mark.parametrize("text", ["", " ,\n;\t"])
def test_nothing_pasted_is_refused(text: str) -> None:
    """ALC-12: an empty box is a mistake."""
    with pytest.raises(ListRefused, match="pasted-empty"):
        pasted_ids(text)
