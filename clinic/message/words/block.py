"""
What the texts of a block say that nobody should be sent without a person's yes: words, fraud's look, marketing.

Almost no text has anything of it. Of links, replies and marketing one expression tells in one pass in which
texts they may be; only those are gone through. (The word list's 700 phrases beside them are too much for RE2.)
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinic.message.words.folding import fold
from clinic.message.words.judging import Hit, Places, judge
from clinic.message.words.links import HINT
from clinic.message.words.marketing import SIGNS, judge_marketing, sells
from clinic.message.words.phrases import any_of, word_list
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
    places = _worth_a_look(texts, content, purpose)
    few = texts.take(pa.array(places))
    trust = judge_trust(few, fixed, content, name=name, replies_read=replies_read)
    hits = [*trust, *judge_marketing(few, purpose)]
    return [
        *judge(texts, word_list(content)),
        *(replace(hit, places=places[hit.places]) for hit in hits),
    ]


def _worth_a_look(texts: pa.StringArray, content: Content, purpose: str) -> Places:
    """Where links, replies or marketing may be; everywhere, if a text may lack what it should have."""
    if content.name_shown == "text" or needs_consent(purpose):
        return np.arange(len(texts), dtype=np.int64)
    found = pc.match_substring_regex(fold(texts), pattern=_anything())
    return np.flatnonzero(found.to_numpy(zero_copy_only=False)).astype(np.int64)


@cache
def _anything() -> str:
    both = any_of(one.expression for one in (*replies().phrases, *sells().phrases))
    return "|".join((both, HINT, _SIGN))
