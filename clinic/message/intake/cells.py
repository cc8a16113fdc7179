"""
What one cell of a list says against its row, whatever its column is called (NEW-26).

    says it and nothing else, in any column          the outcome that it means: "deceased", "do not text"
    says it among other words, in a column           not understood: the row is left out, and the list stops
    that no text prints                              until a person has looked: "Do not text, he reads it"

Of a column that is not kept (clinic/cohort/keeping.py) these cells are kept all the same, and no other. A cell
about another channel alone says nothing.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clinic.message.words.folding import fold, fold_one

if TYPE_CHECKING:
    import numpy.typing as npt

UNCLEAR: Final = "list_says_unclear"
_ANY: Final = "any"
# The whole cell, folded, without punctuation → which channels it speaks of, and what it means
_WHOLE: Final = (
    (
        _ANY, "list_says_dead",
        r"(?:patient )?(?:is )?deceased(?: patient)?|dead|died|r ?i ?p|(?:has )?(?:died|passed away)"
        r"|(?:wedi |bu )[mf]arw|ymadawedig",
    ),
    (_ANY, "list_says_sensitive", r"safeguarding|domestic (?:abuse|violence)|s flag|marac|diogelu"),
    (_ANY, "list_says_no_contact",
        r"dnc|no (?:further )?contact|(?:do not|dont|never) (?:contact|send)|not to be contacted"
        r"|(?:by )?(?:letters?|post) only|peidiwch a chysylltu"),
    ("sms", "list_says_no_contact",
        r"(?:do not|dont|never) (?:text|sms|message)|no (?:texts?|sms|messages?)|not to be texted"
        r"|(?:by )?(?:phone|telephone|e ?mail) only|peidiwch a thecstio"),
    ("email", "list_says_no_contact", r"(?:do not|dont|never) e ?mail|no e ?mails?"
        r"|(?:by )?(?:phone|text) only"),
    ("voice", "list_says_no_contact", r"(?:do not|dont|never) (?:call|phone|ring)|no calls"
        r"|(?:by )?text only"),
    (_ANY, "list_says_left",
        r"(?:patient )?de ?ducted|de ?registered|(?:has )?left (?:the )?(?:practice|surgery)"
        r"|(?:moved|gone) away|no longer (?:registered|a patient)|transferred out|wedi gadael"),
    (_ANY, "list_says_declined",
        r"opt(?:ed)? out|dissent(?:ed)?|unsubscribed|no consent|withdrew consent"
        r"|(?:consent|permission) (?:declined|refused|withdrawn)|declined contact"),
    ("sms", "list_says_declined", r"declined (?:texts?|sms|messages?)"),
    ("email", "list_says_declined", r"declined e ?mails?"),
    ("voice", "list_says_declined", r"declined calls?"),
)  # fmt: skip
# Among other words
_NEVER: Final = r"\b(?:do not|dont|never|not to be|stop|no more|no further) (?:be )?"
_WITHIN: Final = (
    (_ANY, _NEVER + r"(?:contact(?:ed)?|send)\b|peidiwch a chysylltu"),
    ("sms", _NEVER + r"(?:text|sms|messag)|\bno (?:texts|sms|messages)\b|peidiwch a thecstio"),
    ("email", _NEVER + r"e ?mail|\bno e ?mails\b"),
    ("voice", _NEVER + r"(?:call|phon|ring)|\bno calls\b"),
    (_ANY, r"\bdeceased\b|\bpassed away\b|\b(?:has|patient) died\b|\bwedi marw\b|\bbu farw\b"),
    (_ANY, r"\bsafeguarding\b|\bdomestic (?:abuse|violence)\b|\bmarac\b"),
    (_ANY, r"\breads (?:his|her|their|my|the|all) (?:phone|mobile|texts|messages)\b"),
    (_ANY, r"\bleft the (?:practice|surgery|area)\b|\b(?:moved|gone) away\b|\bdeducted\b"),
    (_ANY, r"\bno longer (?:registered|a patient|at th[ei]s? (?:practice|surgery))\b|\btransferred out\b"),
    (_ANY, r"\bopted out\b|\b(?:consent|permission) (?:declined|refused|withdrawn)\b"),
    (_ANY, r"\b(?:declin|refus)(?:es?|ed|ing) (?:all )?(?:texts?|sms|messages?|contact)\b"),
    (_ANY, r"\b(?:does not|doesnt) (?:want|wish) (?:to be (?:text|contact)|(?:texts|messages|contact)\b)"),
)  # fmt: skip
# Of data and research, and of no message (NEW-40); and what says that it is not so
_OTHERWISE: Final = re.compile(
    r"national (?:data )?(?:opt ?out|objection)|\btype [12]\b|\b(?:not|non) deceased\b|\bno safeguarding\b"
)
_APOSTROPHES: Final = "['’‘`ʼ]"


def speaks(cells: pd.Series[str]) -> npt.NDArray[np.bool_]:
    """Which of these cells say something against their rows, by any channel; one that repeats is read once."""
    coded = pa.array(cells, pa.string()).dictionary_encode()
    plain = pc.replace_substring_regex(fold(coded.dictionary), pattern=_APOSTROPHES, replacement="")
    plain = pc.replace_substring_regex(plain, pattern="[^a-z0-9]+", replacement=" ")
    found = pc.match_substring_regex(pc.ascii_trim_whitespace(plain), pattern=_hint())
    which = np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)
    codes = coded.indices.fill_null(0).to_numpy()
    return which[codes] if len(which) else np.zeros(len(cells), dtype=np.bool_)


def says_in(text: str, channel: str, *, within: bool) -> str:
    """
    What a cell says against its row by this channel: a code, or "".

    Args:
        within: among other words too; else only where it says nothing else
    """
    plain = words_of(text)
    if not plain or _OTHERWISE.search(plain):
        return ""
    for whose, code, whole in _WHOLE:
        if whose in (_ANY, channel) and re.fullmatch(whole, plain):
            return code
    if within and any(
        whose in (_ANY, channel) and re.search(phrase, plain) for whose, phrase in _WITHIN
    ):
        return UNCLEAR
    return ""


def words_of(text: str) -> str:
    """Its words alone: lower case, without accents, apostrophes and punctuation."""
    plain = re.sub(_APOSTROPHES, "", fold_one(text))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain).split())


@cache
def _hint() -> str:
    whole = "|".join(f"(?:{what})" for _, _, what in _WHOLE)
    return "|".join([rf"^(?:{whole})$", *(phrase for _, phrase in _WITHIN)])
