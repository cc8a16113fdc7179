"""
What the texts of a block say that nobody should be sent without a person's yes: words, fraud's look, marketing.

Almost no text has anything of it. One expression, of a word of each phrase (hints.py), tells in one pass in
which texts they may be; only those are gone through.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa

from clinic.message.words.folding import fold
from clinic.message.words.hints import hint_of, places_with
from clinic.message.words.judging import Hit, Places, judge
from clinic.message.words.links import HINT
from clinic.message.words.marketing import SIGNS, judge_marketing, sells
from clinic.message.words.phrases import word_list
from clinic.message.words.trust import judge_trust, replies
from clinic.settings import Content
from clinic.values.purposes import needs_consent

# What is spelled out before marketing is looked for
_SIGN: Final = f"[{''.join(sign for sign, _ in SIGNS)}]"


def judge_texts(
    texts: pa.StringArray, fixed: str, content: Content, *, name: str, purpose: str, replies_read: bool
) -> list[Hit]:  # fmt: skip
    """
    Everything that is found in these texts.

    Args:
        fixed: the template's own words; name: the practice's; purpose: of the messages
        replies_read: somebody reads what patients reply by this channel
    """
    words = word_list(content)
    may = _may_have(tuple(one.expression for one in words.phrases))
    places = places_with(fold(texts), may)
    few = texts.take(pa.array(places))
    hits = _at(places, judge(few, words))
    if content.name_shown == "text" or needs_consent(
        purpose
    ):  # texts may lack what they should have
        places, few = np.arange(len(texts), dtype=np.int64), texts
    trust = judge_trust(few, fixed, content, name=name, replies_read=replies_read)
    return [*hits, *_at(places, [*trust, *judge_marketing(few, purpose)])]


def _at(places: Places, hits: Iterable[Hit]) -> list[Hit]:
    """What was found in the texts of these places, by the places of all."""
    return [replace(hit, places=places[hit.places]) for hit in hits]


@cache
def _may_have(expressions: tuple[str, ...]) -> str:
    """What is in every text in which these phrases, links, replies or marketing may be."""
    others = (one.expression for one in (*replies().phrases, *sells().phrases))
    return "|".join((hint_of((*expressions, *others)), HINT, _SIGN))
