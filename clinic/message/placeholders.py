"""
Places that another program would have filled: "Dear [Name]" goes out as it stands, so a person is asked.

Judged in the template's own words, body and subject, on every channel; `{{ … }}` and `{% … %}` are ours.
A person who means it says so (`--accept-warnings`), as with sensitive words.
"""

from __future__ import annotations

import re
from typing import Final

from clinic.message.sensitive import ContentWarning

_WORD = r"[^\W\d_][\w .,'/-]{0,40}"
# A form, and what it looks like
_FORMS: Final = (
    rf"\[\[?\s*{_WORD}\s*\]?\]",  # [Name], [[first name]], [insert number]
    rf"\(\(\s*{_WORD}\s*(?:\?\?[^()\n]*)?\)\)",  # ((name)), ((show??text))
    rf"<<?\s*/?{_WORD}\s*>?>",  # <<FirstName>>, <Name>
    rf"«\s*{_WORD}\s*»|‹\s*{_WORD}\s*›",  # a word processor's own
    r"\*\|[^|\n]{1,40}\|\*",  # *|FNAME|*
    rf"%%?{_WORD.replace(' ', '')}%%?|\$\{{\s*{_WORD}\s*\}}|#{_WORD.replace(' ', '')}#|@@\w+@@",
    rf"\{{\s*{_WORD}\s*\}}",  # {name}
    r"\b[Xx]{3,}\b|\bXX(?=[/:.-]|\b)|(?<=[/:.-])XX\b",  # XXXX, XX/XX/XXXX
    r"(?<!\w)_{3,}|\.{5,}|…{2,}",  # to be written in by hand
    r"\b(?i:insert (?:(?:your|the) )?(?:name|number|date|time|phone|link|practice|surgery)(?: here)?)\b",
    r"\b(?i:lorem ipsum)\b|\b(?:TBC|TBA|TODO)\b",
)
_ANY: Final = re.compile("|".join(f"(?:{form})" for form in _FORMS))
_OURS: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_MOST_SHOWN: Final = 5


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
