"""
Why somebody looks at one patient: a word of a short list, and words of their own, which name nobody.

What stands in the log stays there, so a reason with a name or a number of the patient is refused before
it is written. The work on a campaign, an operation or a reply is its own reason: nobody is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from clinic.errors import NotAllowed

WORK: Final = "work"  # on what the look is at: "campaign 7"
OTHER: Final = "other"

# Chosen at the terminal and typed after --reason; said in this order
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "care": "the patient is cared for, or is with us now",
        "asked": "the patient asks about a message, or about what we hold",
        "reply": "what the patient answered is dealt with",
        "record": "the record, a number or an address is put right",
        "complaint": "a complaint or an incident is looked into",
        "audit": "an audit, or a question of data protection",
        OTHER: "another reason, in words",
    }
)
_LONGEST: Final = 200
_LEAST_NAME: Final = 3
_NUMBER: Final = re.compile(r"(?:\d[ -]?){6,}")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class Reason:
    """Why. words: their own; empty: none are needed."""

    code: str
    words: str = ""


INHERITED: Final = Reason(WORK)


def read_reason(typed: str) -> Reason:
    """
    What was typed: "care", "complaint: letter of Monday", "other: asked by the coroner".

    Raises:
        NotAllowed: it is no reason of the list, or lacks the words that it needs
    """
    code, _, words = typed.strip().partition(":")
    code, words = code.strip().lower(), " ".join(words.split())
    if code not in REASONS:
        raise NotAllowed(
            "access-reason",
            f"say why you look: --reason {', '.join(REASONS)}; after a colon in words, without a name: "
            '--reason "complaint: letter of Monday"',
        )
    if code == OTHER and len(words) < _LEAST_NAME:
        raise NotAllowed("access-reason", 'say which other reason: --reason "other: …"')
    if len(words) > _LONGEST:
        raise NotAllowed(
            "access-reason", f"a reason has at most {_LONGEST} characters: say it shorter"
        )
    return Reason(code, words)


def require_nameless(reason: Reason, names: Iterable[str]) -> None:
    """
    Whether the words name nobody: the log is kept for years, and nothing can be taken out of it.

    names: of the patient who is looked at

    Raises:
        NotAllowed: a name of the patient, or a number that may be somebody's; it is not repeated
    """
    own = {
        part.casefold()
        for name in names
        for part in _WORD.findall(name)
        if len(part) >= _LEAST_NAME
    }
    said = {word.casefold() for word in _WORD.findall(reason.words)}
    if _NUMBER.search(reason.words) or own & said:
        raise NotAllowed(
            "access-reason-names",
            "the reason names the patient, or has a number that may be one's: it is kept for years, so say it "
            "without. Nothing was shown",
        )
