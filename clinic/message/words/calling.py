"""
Which texts ask patients to call the practice (calling.toml): where many leave at once, its lines cannot take
all who do, and the ill cannot get through.

Who only calls when something is wrong, "if you cannot come, please call", is no crowd, and 111 and 999 are
nobody's lines here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import pyarrow.compute as pc

from clinic.message.words.classes import CALL
from clinic.message.words.folding import fold
from clinic.message.words.judging import Hit, Places
from clinic.message.words.phrases import Phrase, any_of, expression_of

_OUT: Final = " | "  # in the place of what asks for nothing
_NUMBER: Final = r"(?:on[\W_]+)?(?:0|44|\+44)[\d ]{5,}"
_NEAR: Final = r"(?:[^\w.!?]+\w+)"  # a further word of the same sentence


def judge_calling(texts: Sequence[str]) -> list[Hit]:
    """The texts that ask to call, under one name."""
    asks, harmless = _expressions()
    folded = fold(texts)
    found = pc.match_substring_regex(folded, pattern=asks).to_numpy(zero_copy_only=False)
    places: Places = np.flatnonzero(found).astype(np.int64)
    left = pc.replace_substring_regex(folded.take(places), pattern=harmless, replacement=_OUT)
    still = pc.match_substring_regex(left, pattern=asks).to_numpy(zero_copy_only=False)
    places = places[np.asarray(still, dtype=np.bool_)]
    return [Hit(Phrase("", CALL, ""), places)] if len(places) else []


@cache
def _expressions() -> tuple[str, str]:
    """What asks to call, and what only seems to."""
    kept = tomllib.loads(files("clinic.message.words").joinpath("calling.toml").read_text("utf-8"))
    call = f"(?:{'|'.join(kept['call'])})"
    whom = "|".join(expression_of(text, False) for text in kept["whom"])
    asks = [
        rf"{call}[\W_]+(?:{whom}|{_NUMBER})",
        *(expression_of(text, False) for text in kept["ask"]),
        *(expression_of(text, True) for text in kept["welsh"]),
    ]
    welsh = "|".join(expression_of(text, True) for text in kept["welsh"])
    either = f"(?:{call}|{welsh})"
    unless = f"(?:{'|'.join(expression_of(text, False) for text in kept['unless'])})"
    harmless = [
        rf"{unless}{_NEAR}{{0,6}}[^\w.!?]+{either}",
        rf"{either}{_NEAR}{{0,6}}[^\w.!?]+{unless}",
        *(expression_of(text, False) for text in kept["no_call"]),
    ]
    return any_of(asks), any_of(harmless)
