"""
NHS numbers: ten digits, the last a check on the nine before it.

    weights   10  9  8  7  6  5  4  3  2      of the first nine digits
    check     11 − (sum mod 11); 11 stands for 0, 10 means that no such number exists

Source: NHS Data Dictionary, NHS NUMBER. 999 000 0000 to 999 999 9999 is never issued: test data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from clinic.values.text import Mask, as_strings, matches, tidy

if TYPE_CHECKING:
    import numpy.typing as npt

MISSING = "nhs_number_missing"
INVALID = "nhs_number_invalid"

_WEIGHTS = range(10, 1, -1)


def judge_nhs_numbers(texts: pd.Series) -> pd.DataFrame:
    """
    Read NHS numbers as people and systems write them.

    Spaces and hyphens are ignored and full-width digits read as digits. Ten times the same digit
    passes the checksum (0000000000, 1111111111) and is refused: nobody has it, forms do.

    Args:
        texts: strings, "" or null where there is none

    Returns:
        nhs_number: ten ASCII digits, "" where there is an error
        fault: "", "nhs_number_missing" or "nhs_number_invalid"
    """
    compact = _compact(as_strings(texts))
    good = _checked(compact)
    missing = (compact == "").to_numpy()
    return pd.DataFrame(
        {
            "nhs_number": compact.where(good, ""),
            "fault": pd.Series(
                np.select([good, missing], ["", MISSING], INVALID), index=texts.index, dtype="str"
            ),
        },
        index=texts.index,
    )


def _compact(texts: pd.Series) -> pd.Series:
    """The digits alone; the few that are not plain ASCII are tidied first."""
    compact = texts.str.replace(r"[ \-]", "", regex=True)
    odd = ~matches(compact, "[0-9]*")
    if not odd.any():
        return compact
    digits = compact.to_numpy(dtype=object, copy=True)
    digits[odd] = [tidy(text).replace(" ", "").replace("-", "") for text in digits[odd]]
    return pd.Series(digits, index=texts.index, dtype="str")


def _checked(texts: pd.Series) -> Mask:
    """Which texts are ten digits with the right check digit, not all the same."""
    good = matches(texts, "[0-9]{10}")
    digits = _digits(texts[good])
    check = (11 - digits[:, :9] @ np.array(_WEIGHTS, dtype=np.int32) % 11) % 11
    good[good] = (check == digits[:, 9]) & (digits != digits[:, :1]).any(axis=1)
    return good


def _digits(texts: pd.Series) -> npt.NDArray[np.int32]:
    """A matrix of digits, a row a text; every text is ten ASCII digits."""
    letters = np.asarray(texts.to_numpy(dtype=object), dtype="S10")
    return letters.view(np.uint8).reshape(-1, 10).astype(np.int32) - ord("0")
