"""What every judge does first: no nulls, no look-alike digits, no characters that cannot be seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import numpy.typing as npt

Mask: TypeAlias = "npt.NDArray[np.bool_]"

# Zero-width and direction marks: they come along when a number is copied from an address book or a PDF
_UNSEEN = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
# Full-width forms have an exact ASCII twin. Other look-alikes do not: a superscript 3 after a
# number is a footnote, not a digit, so it stays and the value is refused
_PLAIN = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_PLAIN |= dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63], ord("-"))


def counted(number: int, one: str, more: str = "") -> str:
    """`1 message`, `2,000 messages`; `more`: of several, if that is not `one` with an s."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"


def as_strings(texts: pd.Series) -> pd.Series:
    """The same texts in pandas' string type, nulls as "". Same index."""
    return texts.astype("str").fillna("")


def visible(text: str) -> str:
    """The text without marks that nobody sees."""
    return _UNSEEN.sub("", text)


def tidy(text: str) -> str:
    """
    One text as a person sees it, in ASCII where Unicode has a plain twin.

    Full-width digits become digits, any dash a hyphen, any space a space; invisible marks and
    the apostrophe that tells Excel "this is text" go.
    """
    return " ".join(visible(text).translate(_PLAIN).split()).removeprefix("'")


def matches(texts: pd.Series, pattern: str) -> Mask:
    """Which texts match the pattern from end to end."""
    return texts.str.fullmatch(pattern).to_numpy(dtype=bool, na_value=False, copy=True)


def judge_each_once(
    texts: pd.Series, judge: Callable[[str], tuple[str, ...]], *, columns: Sequence[str]
) -> pd.DataFrame:
    """
    Call `judge` once for each distinct text and lay its answers out again, one row a text.

    For judges that cost microseconds a call: a list has far fewer distinct values than rows.
    """
    codes, distinct = pd.factorize(texts.to_numpy(dtype=object))
    answers = np.empty((len(distinct), len(columns)), dtype=object)
    for place, text in enumerate(distinct):
        answers[place] = judge(str(text))
    return pd.DataFrame(answers[codes], index=texts.index, columns=list(columns))
