"""
What a patient means by one word: STOP, START, HELP, and their cousins as people type them (NEW-5).

    "Stop."   "S T O P"   "“stop”"   "ARRÊT !"   "stop 🛑"   "STOP ALL"   "please stop texting me"

Case, accents, spaces, punctuation, quotes and emoji do not matter (formats.md, opt-out words). A word that
also means something else ("end", "cancel", "remove" …) counts only when it stands alone: "cancel my
appointment" is for a person to read. Below the first line stand signatures: they are not looked at.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

Keyword = Literal["stop", "start", "help"]

_WORDS: Final[dict[str, Keyword]] = {
    **dict.fromkeys(
        ("stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout", "cancel", "arret",
         "remove", "td"),
        "stop",
    ),
    **dict.fromkeys(("start", "unstop"), "start"),
    **dict.fromkeys(("help", "info"), "help"),
}  # fmt: skip
# These mean it whatever polite words stand around them
_PLAIN: Final = ("stop", "stopall", "unsubscribe", "optout", "arret")
_POLITE: Final = frozenset(
    "please pls plz kindly now thanks thank you thx me us all texting messaging sending contacting "
    "texts text messages message msgs sms these this the from it to my number and i want wish would "
    "like".split()
)
_LONGEST: Final = 160  # nobody writes a keyword in two texts


def find_keyword(text: str) -> Keyword | None:
    """The keyword that a reply is, or None: then a person should read it."""
    if len(text) > _LONGEST:
        return None
    line = next((line for line in text.splitlines() if _letters(line)), "")
    alone = "".join(_letters(line).split())
    if alone in _WORDS:
        return _WORDS[alone]
    words = [word for word in _letters(line).split() if word not in _POLITE]
    joined = "".join(words)
    # "no need to stop" and "don't stop" keep a word that is not polite filler, and so are read by a person
    return "stop" if joined in _PLAIN else None


def _letters(text: str) -> str:
    """Lower-case ASCII letters and single spaces: accents are dropped, any other sign parts words."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in plain if not unicodedata.combining(c) and not _is_invisible(c))
    return re.sub(r"[^a-z]+", " ", re.sub(r"['’`]", "", plain.casefold())).strip()


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf"
