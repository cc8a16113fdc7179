"""Codes of organisations, as exports of the practice's system write them beside each patient (ODS: W97000)."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd


def foreign_codes(words: pd.Series[str], codes: Collection[str]) -> pd.Series[bool]:
    """
    Which cells name an organisation that is none of these; none of them where no codes are given.

    An empty cell names none.
    """
    if not codes:
        return pd.Series(False, index=words.index)
    held = {code.strip().casefold() for code in codes}
    plain = words.fillna("").astype("str").str.strip().str.casefold()
    return (plain != "") & ~plain.isin(list(held))
