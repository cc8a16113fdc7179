"""Rows that the other system has taken out since: what they say holds no more there."""

from __future__ import annotations

from typing import Final

import pandas as pd

from clinic.message.intake.says_no import says_yes

HEADINGS: Final = ("Deleted", "Removed Data")
LEFT: Final = "left_source"
_NOTHING: Final = ("", "-", "null", "nil")


def is_mark(text: str) -> bool:
    """Whether a cell marks its row: neither empty, nor a word for nothing, nor no."""
    return says_yes(text) is not False and text.casefold() not in _NOTHING


def has_left(given: pd.DataFrame) -> pd.Series[bool]:
    """
    Which rows of a block are marked so.

    Args:
        given: the cells in our fields; without `deleted` none is. A word that is neither yes nor no is a mark
    """
    if "deleted" not in given:
        return pd.Series(False, given.index)
    said = given["deleted"]
    marks = {text: is_mark(text) for text in said.unique().tolist()}
    return said.map(marks).astype(bool)
