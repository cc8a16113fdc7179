"""
Addresses that are nobody's own: typed so that a field is filled, or one number for many patients.

Placeholders are told by how they are written ("07700 000000", "noemail@…"); a number that many patients share
only by the whole list, so each block leaves eight bytes a row behind. A care home's telephone is shared too:
it is a remark, and stops a list only where much of the list is like that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from data_checks.eligibility.rules import Mask

if TYPE_CHECKING:
    import numpy.typing as npt

ADDRESS_FLAGS: Final = ("placeholder", "shared")
REMARK_FLAGS: Final = ("number_differs",)  # of rows against which nothing speaks
MANY: Final = 10  # patients on one number or address, from which it is worth a remark

# Seven or more of one digit at the end, six noughts at the end, or the keys of a telephone in their order
_NUMBER = r"\d*(?:(\d)\1{6,}|0{6}|0?123456789|1234567890|987654321)"
_WORDS = (
    r"no[._-]?(?:e[._-]?)?mail(?:[._-]?address)?|no[._-]?address|none(?:[._-]?given)?|not[._-]?(?:given|known)|"
    r"null|nil|n[./]?a|unknown|missing|blank|declined|refused|dummy|x{2,}|(?:no|do[._-]?not)[._-]?reply"
)
_NO_MAILBOX = rf"(?:{_WORDS})@.*|.*@(?:{_WORDS})[.].*"
# Ofcom keeps these for drama: practice lists are made of them, a thousand numbers for any number of patients
_DRAMA = "+447700900"
_NOT_COUNTED = 0  # the key of a row whose address is not counted


class Dummies:
    """What was seen of a list's addresses, block by block; then which of its rows have a dummy."""

    def __init__(self) -> None:
        self._keys: list[npt.NDArray[np.uint64]] = []
        self._placeholders: list[Mask] = []

    def add(self, written: pd.Series[str], judged: pd.Series[str], counts: Mask) -> None:
        """
        Take note of a block's addresses.

        Args:
            written: as the list has them; judged: as they would be used, "" where there is none
            counts: rows that are a patient's of their own: no repeats, nobody who is left out
        """
        self._placeholders.append(is_placeholder(written) | is_placeholder(judged))
        keys = pd.util.hash_array(judged.to_numpy(dtype=object))
        own = counts & judged.ne("").to_numpy(dtype=bool)
        own &= ~judged.str.startswith(_DRAMA).to_numpy(dtype=bool)
        self._keys.append(np.where(own, keys, np.uint64(_NOT_COUNTED)))

    def flags(self, flags: pd.DataFrame) -> pd.DataFrame:
        """The rules' flags of all rows with two more: `placeholder` and `shared` (True = passes)."""
        if not self._keys:
            return flags
        keys = np.concatenate(self._keys)
        _, place, often = np.unique(keys, return_inverse=True, return_counts=True)
        shared = (often[place] >= MANY) & (keys != _NOT_COUNTED)
        return flags.assign(placeholder=~np.concatenate(self._placeholders), shared=~shared)


def is_placeholder(addresses: pd.Series[str]) -> Mask:
    """Whether each is written as one that stands for none."""
    texts = addresses.astype("str").str.strip().str.lower()
    digits = texts.str.replace(r"[\s()./+-]", "", regex=True)
    number = digits.str.fullmatch(_NUMBER) & digits.str.fullmatch(r"\d{7,}")
    return (number | texts.str.fullmatch(_NO_MAILBOX)).to_numpy(dtype=bool)
