"""
Places that another program would have filled: "Dear [Name]" goes out as it stands, so a person is asked.

Judged in the template's own words, body and subject, on every channel; `{{ … }}` and `{% … %}` are ours.
So are the values that the list puts in: "[insert number]", #N/A and "null" in a cell go out as they stand.
A person who means it says so (`--accept-warnings`), as with sensitive words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

import pandas as pd

from clinic.message.template.sensitive import ContentWarning

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
_MOST_SHOWN: Final = 5
# A cell that a program left for nothing, or for an error
_NOTHING: Final = re.compile(
    r"(?i:null|nan|nil|undefined|n/a|#(?:n/a|ref!|value!|div/0!|name\?|num!|null!)|#{3,}|\?{2,})"
)


def placeholders_in(text: str) -> list[str]:
    """What looks like a place to be filled, each once, in the order of the text."""
    return list(dict.fromkeys(_ANY.findall(_OURS.sub("\n", text))))


def placeholder_warnings(text: str) -> list[ContentWarning]:
    """One warning that names them, or none."""
    found = placeholders_in(text)
    if not found:
        return []
    named = ", ".join(f"“{one}”" for one in found[:_MOST_SHOWN])
    more = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    says = (
        f"The message has what looks like a place to be filled ({named}{more}): it would be sent as it "
        "stands. Write a variable such as {{ patient.given_name }} or {{ organisation.phone }} there, or "
        "accept this warning."
    )
    return [ContentWarning("placeholder", says)]


def count_unfilled(values: pd.DataFrame) -> Counter[str]:
    """
    Of each of the list's variables, how many rows have a value that is a place to be filled.

    Besides "list.Note" → 12 there is "list.Note:7" → 1 for each of the first rows; never a value.
    """
    found: Counter[str] = Counter()
    for name in values:
        if not str(name).startswith("list."):
            continue
        texts = values[name]
        odd = {text for text in set(texts) if isinstance(text, str) and _is_unfilled(text)}
        rows = texts.index[texts.isin(odd)].tolist() if odd else []
        if rows:
            found[str(name)] = len(rows)
            found.update(f"{name}:{row}" for row in rows[:_MOST_SHOWN])
    return found


def unfilled_warnings(counts: Mapping[str, int]) -> list[ContentWarning]:
    """One warning for each variable of the list with such values, or none."""
    warnings = []
    for name in sorted(one for one in counts if one.startswith("list.") and ":" not in one):
        rows = sorted(int(one.split(":")[1]) for one in counts if one.startswith(f"{name}:"))
        named = ", ".join(f"{row:,}" for row in rows[:_MOST_SHOWN])
        says = (
            f"In {counts[name]:,} rows (the first: {named}) the value of {name} looks like a place to be "
            "filled, or like no value: it would be sent as it is. Correct the list and send it "
            "again, or accept this warning."
        )
        warnings.append(ContentWarning("value_unfilled", says))
    return warnings


def _is_unfilled(value: str) -> bool:
    return bool(_NOTHING.fullmatch(value.strip()) or _ANY.search(value))
