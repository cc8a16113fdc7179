"""
Places that another program would have filled: "Dear [Name]" goes out as it stands, so a person is asked.

Judged in the template's own words, body and subject, on every channel; `{{ … }}` and `{% … %}` are ours.
So are the values that the list puts in: "[insert number]", #N/A and "null" in a cell go out as they stand.
They are findings of the content gate (clinic/message/prepare/content.py): a person who means it says so.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd

from clinic.message.words.classes import PLACEHOLDER, UNFILLED
from clinic.message.words.judging import Hit, Places
from clinic.message.words.phrases import Phrase

_WORD = r"[^\W\d_][\w .,'/-]{0,40}"
# A form, and what it looks like
_FORMS: Final = (
    rf"\[\[?\s*{_WORD}\s*\]?\]",  # [Name], [[first name]], [insert number]
    rf"\(\(\s*{_WORD}\s*(?:\?\?[^()\n]*)?\)\)",  # ((name)), ((show??text))
    rf"<<?\s*/?{_WORD}\s*>?>",  # <<FirstName>>, <Name>
    rf"«\s*{_WORD}\s*»|‹\s*{_WORD}\s*›",  # a word processor's own
    r"\*\|[^|\n]{1,40}\|\*",  # *|FNAME|*
    rf"%%?{_WORD.replace(' ', '')}%%?|\$\{{\s*{_WORD}\s*\}}|#{_WORD.replace(' ', '')}#|@@\w+@@",
    r"(?<![\w@])@[^\W\d_]\w{0,40}@(?![\w@])",  # @Forename@
    rf"\{{\s*{_WORD}\s*\}}",  # {name}
    r"\b[Xx]{3,}\b|\bXX(?=[/:.-]|\b)|(?<=[/:.-])XX\b",  # XXXX, XX/XX/XXXX
    r"(?<!\w)_{3,}|\.{5,}|…{2,}",  # to be written in by hand
    r"\b(?i:insert (?:(?:your|the) )?(?:name|number|date|time|phone|link|practice|surgery)(?: here)?)\b",
    r"\b(?i:lorem ipsum)\b|\b(?:TBC|TBA|TODO)\b",
)
_ANY: Final = re.compile("|".join(f"(?:{form})" for form in _FORMS))
_OURS: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
# A cell that a program left for nothing, or for an error
_NOTHING: Final = re.compile(
    r"(?i:null|nan|nil|undefined|n/a|#(?:n/a|ref!|value!|div/0!|name\?|num!|null!)|#{3,}|\?{2,})"
)


def placeholders_in(text: str) -> list[str]:
    """What looks like a place to be filled, each once, in the order of the text."""
    return list(dict.fromkeys(_ANY.findall(_OURS.sub("\n", text))))


def unfilled_rows(values: pd.DataFrame) -> dict[str, Places]:
    """Of each of the list's variables, the places of the rows whose value is a place to be filled."""
    found = {}
    for name in values:
        if not str(name).startswith("list."):
            continue
        texts = values[name]
        odd = {text for text in set(texts) if isinstance(text, str) and _is_unfilled(text)}
        if odd:
            found[str(name)] = np.flatnonzero(texts.isin(odd)).astype(np.int64)
    return found


def places_to_fill(fixed: str, values: pd.DataFrame) -> list[Hit]:
    """What a block of messages has of both: the template's are in all of them; a value is never named."""
    everywhere = np.arange(len(values), dtype=np.int64)
    own = [Hit(Phrase(one, PLACEHOLDER, ""), everywhere) for one in placeholders_in(fixed)]
    of_list = unfilled_rows(values).items()
    return own + [Hit(Phrase(name, UNFILLED, ""), places) for name, places in of_list]


def _is_unfilled(value: str) -> bool:
    return bool(_NOTHING.fullmatch(value.strip()) or _ANY.search(value))
