"""
Cells that a spreadsheet shows as they are: no formula runs, no number is spoilt (ACX-27, ASVS 1.2.10).

Excel runs a cell that begins with = + - @ (also in full width), TAB, CR, LF or NUL, turns
447700900123 into 4.477E+11 and drops the zero of 07700900123. An apostrophe in front prevents all
three. It is taken off again when such a file is read back in, so that a round trip is exact:
text that already looks guarded gets one apostrophe more.
"""

from __future__ import annotations

import re

import pandas as pd

# What stands behind the apostrophe of a guarded cell
_DANGER = r"(?:[=+\-@\t\r\n\x00\uff1d\uff0b\uff0d\uff20]|0[0-9]+\Z|[0-9]{12,}\Z)"
_NEEDS_GUARD = re.compile(rf"'*{_DANGER}")
_GUARDED = re.compile(rf"'+{_DANGER}")


def safe_cell(text: str) -> str:
    """The text for a CSV or Excel cell: with an apostrophe in front where a spreadsheet would act on it."""
    if text[:1].isalpha():  # nothing that a spreadsheet acts on begins with a letter; most cells do
        return text
    return f"'{text}" if _NEEDS_GUARD.match(text) else text


def plain_cell(text: str) -> str:
    """The inverse of `safe_cell`."""
    return text[1:] if _GUARDED.match(text) else text


def plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy whose text columns went through `plain_cell`; missing values stay missing."""
    plain = frame.copy()
    for position, dtype in enumerate(plain.dtypes):
        if pd.api.types.is_string_dtype(dtype):
            column = plain.iloc[:, position]
            guarded = column.str.match(_GUARDED.pattern).fillna(False).astype(bool)
            if guarded.any():
                plain.isetitem(position, column.where(~guarded, column.str[1:]).array)
    return plain
