"""
Which texts ask patients to call the practice (calling.toml): where many leave at once, its lines cannot take
all who do, and the ill cannot get through.

Who only calls when something is wrong, "if you cannot come, please call", is no crowd, and 111 and 999 are
nobody's lines here. A question beside what everybody calls for, "call to book, or with any questions", is.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinic.message.words.classes import CALL
from clinic.message.words.folding import Texts, fold
from clinic.message.words.hints import hint_of, places_with
from clinic.message.words.judging import Hit, Places
from clinic.message.words.phrases import Phrase, any_of, expression_of

if TYPE_CHECKING:
    import numpy.typing as npt

_OUT: Final = " | "  # in the place of what asks for nothing
_NUMBER: Final = r"(?:on[\W_]+)?(?:0|44|\+44)[\d ]{5,}"
_NEAR: Final = r"(?:[^\w.!?|]+\w+)"  # a further word of the same sentence
_REST: Final = r"[^.!?|]*"  # of the sentence


def judge_calling(texts: Texts) -> list[Hit]:
    """The texts that ask to call, under one name."""
    said = _expressions()
    folded = fold(texts)
    plain: Places = places_with(folded, said.asks)
    doubtful = plain
    for expression in (said.hint, said.doubt):
        doubtful = doubtful[places_with(folded.take(pa.array(doubtful)), expression)]
    if len(doubtful):
        left = folded.take(pa.array(doubtful))
        plain = np.setdiff1d(plain, doubtful[~_still_ask(left, said)])
    return [Hit(Phrase("", CALL, ""), plain)] if len(plain) else []


def _still_ask(left: pa.StringArray, said: _Said) -> npt.NDArray[np.bool_]:
    """Which of these texts, that ask to call, do not take it back nor ask only who has a reason."""
    for expression in said.no_call:
        left = pc.replace_substring_regex(left, pattern=expression, replacement=_OUT)
    unless = pc.replace_substring_regex(left, pattern=said.unless, replacement=_OUT)
    return _has(left, said.everybody) | _has(unless, said.asks)


def _has(texts: pa.StringArray, expression: str) -> npt.NDArray[np.bool_]:
    found = pc.match_substring_regex(texts, pattern=expression)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)


class _Said(NamedTuple):
    """
    asks: what asks to call; doubt: finds every text in which one of the following may be found, and is a
    quarter as long; hint: the same, shorter still, and some others
    no_call: what does not ask, one after the other
    everybody: asks everybody whatever comes after; unless: what asks only who has a reason
    """

    asks: str
    hint: str
    doubt: str
    no_call: tuple[str, ...]
    everybody: str
    unless: str


@cache
def _expressions() -> _Said:
    kept = tomllib.loads(files("clinic.message.words").joinpath("calling.toml").read_text("utf-8"))
    call = f"(?:{'|'.join(kept['call'])})"
    whom, why, cannot, question, ask, welsh = (
        f"(?:{'|'.join(expression_of(text, name == 'welsh') for text in kept[name])})"
        for name in ("whom", "why", "cannot", "question", "ask", "welsh")
    )
    to_whom = rf"{call}[\W_]+(?:{whom}|{_NUMBER})"
    # "Ring Elm Tree Surgery on 029 2018 0123"
    by_name = rf"{call}{_NEAR}{{1,6}}[^\w.!?|]+on[\W_]+{_NUMBER}"
    asks = [to_whom, by_name, ask, welsh, rf"(?:tel|phone|ffon)[\W_]+{_NUMBER}"]
    either = f"(?:{'|'.join((call, ask, welsh))})"
    no_call = [expression_of(text, False) for text in kept["no_call"]]
    taken_back = [
        expression_of(one, False) for name in ("cannot", "question") for one in kept[name]
    ]
    return _Said(
        any_of(asks),
        hint_of([*no_call, *taken_back], often=kept["call"]),
        any_of([*no_call, cannot, question]),
        (
            any_of(no_call),
            rf"\b{cannot}\b{_NEAR}{{0,8}}[^\w.!?|]+{either}\b{_REST}",
        ),
        rf"\b{either}{_NEAR}{{0,6}}[^\w.!?|]+{why}\b",
        rf"\b(?:(?:{cannot}|{question})\b{_NEAR}{{0,8}}[^\w.!?|]+{either}"
        rf"|{either}\b{_NEAR}{{0,8}}[^\w.!?|]+(?:{cannot}|{question}))\b",
    )
