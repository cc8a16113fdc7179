"""
What a patient means by one word: STOP, START, HELP, and their cousins as people type them (NEW-5).

    "Stop."   "S T O P"   "STOP STOP STOP"   "ARRÊT !"   "please stop texting me"   "Stopiwch, diolch"

A keyword counts when it is all that was said: its repetition, politeness and the signature of a phone are
nothing more. Digits, later lines and words of any script are: "Cancel 10:30" is for a person to read, who is
told that it may be an opt-out. A word that also means something else ("end", "cancel", "canslo" …) counts
only without politeness, for "please cancel" is more often said of an appointment.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

Keyword = Literal["stop", "start", "help"]

_WORDS: Final[dict[str, Keyword]] = {
    **dict.fromkeys(
        ("stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout", "cancel", "arret",
         "remove", "td", "stopio", "stopiwch", "diwedd", "canslo", "datdanysgrifio"),
        "stop",
    ),
    **dict.fromkeys(("start", "unstop", "dechrau", "ailddechrau"), "start"),
    **dict.fromkeys(("help", "info", "cymorth", "gwybodaeth"), "help"),
}  # fmt: skip
# These mean it whatever polite words stand around them
_PLAIN: Final[dict[str, Keyword]] = {
    **dict.fromkeys(
        ("stop", "stopall", "unsubscribe", "optout", "arret", "stopio", "stopiwch",
         "datdanysgrifio"),
        "stop",
    ),
    **dict.fromkeys(("start", "unstop", "dechrau", "ailddechrau"), "start"),
}  # fmt: skip
_PLEASE: Final = frozenset(
    "please pls plz kindly now thanks thank you thx again os gwelwch yn dda plis diolch nawr rwan "
    "eto".split()
)
_ABOUT_TEXTS: Final = frozenset(
    "me us all texting messaging sending contacting texts text messages message msgs sms these this "
    "the your any more from it to my number and i want wish would like "
    "anfon tecstio negeseuon neges ataf ata fi mi y yr rhain hyn".split()
)
_POLITE: Final[dict[Keyword, frozenset[str]]] = {
    "stop": _PLEASE | _ABOUT_TEXTS,
    "start": _PLEASE | {"texting", "messaging", "sending", "texts", "messages", "me"},
}
# What phones write below what was said
_SIGNATURE = re.compile(
    r"(sent from my [\w ]{1,30}|get outlook for [\w ]{1,30}|anfonwyd o fy [\w ]{1,30})[.!]?", re.I
)
# Beginnings of words, and phrases, by which people ask for the same in more words
_MAY_BE = re.compile(
    r"\b(stop\w*|unsub\w*|opt(ing|ed)? ?out|end|quit|revoke|cancel\w*|remove|arret\w*|td|canslo\w*|diwedd|"
    r"peidi\w*|(dim|dim ond) mwy|datdanysgrif\w*|no more|(do ?nt|do not|never|not) (want|text|contact|"
    r"message|send|sms)\w*|leave me alone|take me off|delete (me|my)|go away|not me|"
    r"wrong (number|person)|rhif anghywir|gadewch lonydd)\b"
)


def find_keyword(text: str) -> Keyword | None:
    """The keyword that a reply is, or None: then a person should read it."""
    words = _said(text)
    alone = _once("".join(words))
    if alone in _WORDS:
        # "Start?" asks; "Stop?" is taken at its word, for the next text would be the answer
        return None if _WORDS[alone] == "start" and _asks(text) else _WORDS[alone]
    for keyword, polite in _POLITE.items():
        # "no need to stop" and "don't stop" keep a word that is not polite, and so are read by a person
        rest = _once("".join(word for word in words if word not in polite))
        if _PLAIN.get(rest) == keyword:
            return None if _asks(text) else keyword
    return None


def may_be_opt_out(text: str) -> bool:
    """Whether a reply that is no keyword may ask for an end of messages all the same."""
    return find_keyword(text) is None and bool(_MAY_BE.search(" ".join(_said(text))))


def _said(text: str) -> list[str]:
    """Lower-case words of letters and digits: accents and invisible marks are dropped, any other sign parts."""
    lines = (line for line in text.splitlines() if not _SIGNATURE.fullmatch(line.strip()))
    plain = unicodedata.normalize("NFKD", "\n".join(lines))
    plain = "".join(c for c in plain if not unicodedata.combining(c) and not _is_invisible(c))
    return re.findall(r"[^\W_]+", re.sub(r"['’`]", "", plain.casefold()))


def _once(joined: str) -> str:
    """ "stopstopstop" → "stop": what was said again was not more."""
    shortest = (joined + joined).find(joined, 1)
    return joined[:shortest] if joined and shortest > 0 else joined


def _asks(text: str) -> bool:
    return "?" in unicodedata.normalize("NFKC", text)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf"
