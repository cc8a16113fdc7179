"""
Needs as practices write them, in our words: languages, information formats, places of stay, yes and no.

The SNOMED CT codes of formats are those of the Accessible Information Standard. A language that is not known
here stays as it was written: nobody loses an interpreter to a word that a program does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_LANGUAGES: Final = {
    "ar": ("arabic",), "bg": ("bulgarian",), "bn": ("bengali", "sylheti"), "cs": ("czech",),
    "cy": ("welsh", "cymraeg"), "de": ("german",), "el": ("greek",), "en": ("english",),
    "es": ("spanish",), "fa": ("farsi", "persian", "dari"), "fr": ("french",), "gu": ("gujarati",),
    "hi": ("hindi",), "hu": ("hungarian",), "it": ("italian",), "ku": ("kurdish", "sorani"),
    "lt": ("lithuanian",), "lv": ("latvian",), "ml": ("malayalam",), "ne": ("nepali",),
    "pa": ("punjabi", "panjabi"), "pl": ("polish",), "ps": ("pashto",), "pt": ("portuguese",),
    "ro": ("romanian",), "ru": ("russian",), "sk": ("slovak",), "so": ("somali",),
    "sq": ("albanian",), "ta": ("tamil",), "ti": ("tigrinya",), "tl": ("tagalog", "filipino"),
    "tr": ("turkish",), "uk": ("ukrainian",), "ur": ("urdu",), "vi": ("vietnamese",),
    "yue": ("cantonese",), "zh": ("chinese", "mandarin"),
}  # fmt: skip
LANGUAGES: Final = {word: code for code, words in _LANGUAGES.items() for word in (code, *words)}
# Our word → what practices write, and the codes
_FORMATS: Final = {
    "easy_read": ("easyread", "easy read", "796161000000101"),
    "large_print": (
        "large print", "large font", "957331000000109", "957351000000102", "957371000000106",
    ),
    "braille": ("braille", "936661000000109", "936681000000100"),
    "audio": ("audio", "936601000000105", "795801000000104", "795731000000104"),
    "bsl": (
        "bsl", "british sign language", "415803005", "204331000000107", "520471000000105",
    ),
    "makaton": ("makaton", "936641000000108", "415805003", "204341000000103"),
    "moon": ("moon", "936621000000101"),
    "letter": ("letter", "post", "936721000000107"),
    "phone": ("phone", "telephone", "verbally", "795661000000104", "367741000000102"),
    "sms": ("sms", "text", "936701000000103"),
    "email": ("email", "e mail", "936741000000100", "936581000000101"),
    "other": (),
}  # fmt: skip
FORMATS: Final = {word: name for name, words in _FORMATS.items() for word in (name, *words)}
FORMAT_NAMES: Final = tuple(_FORMATS)
_STAYS: Final = {
    "prison": ("prison", "hmp", "custody", "detention"),
    "ward": ("ward", "hospital", "inpatient", "in patient", "hospice"),
    "care_home": ("care home", "nursing home", "residential home", "care_home"),
}
STAYS: Final = tuple(_STAYS)
_YES: Final = frozenset({"yes", "y", "true", "1", "required", "needed"})
_NO: Final = frozenset(
    {
        "no",
        "n",
        "false",
        "0",
        "not required",
        "not needed",
        "none",
        "no needs",
        "none needed",
        "nil",
    }
)
# Where somebody lives at home
_HOME: Final = frozenset(
    {
        "home", "own home", "at home", "private", "private home", "private house", "private residence",
        "house", "flat", "community", "lives alone", "lives with family", "own", *_NO,
    }
)  # fmt: skip
# What stands in cells that say nothing of a need: it is not known whether there is one
_SAYS_NOTHING: Final = frozenset(
    {
        "", "unknown", "not known", "unk", "not recorded", "not stated", "not specified", "not given",
        "not asked", "not disclosed", "not applicable", "n a", "na", "tbc", "to be confirmed", "pending",
        "refused", "declined", "declined to say", "prefer not to say", "null", "blank", "missing",
        "unspecified", "undetermined", "see notes", "see record", "awaiting", "no information",
        "information not available", "not available", "other language",
    }
)  # fmt: skip


def plain(text: str) -> str:
    """In lower-case letters, with one space between two words."""
    return " ".join(re.sub(r"[_\W]+", " ", text.casefold()).split())


def language_of(text: str) -> str:
    """The code of a language; one that is not known as it was written, in lower-case letters."""
    word = plain(re.sub(r"\(.*?\)", " ", text))
    return LANGUAGES.get(word) or LANGUAGES.get(word.partition(" ")[0]) or word[:20]


def formats_of(text: str) -> tuple[str, ...]:
    """Our names of the formats that are written there; one that is not known is `other`."""
    found = (_format(part) for part in re.split(r"[;,|/+]|\band\b", text) if plain(part))
    return tuple(dict.fromkeys(name for name in found if name))


def _format(text: str) -> str:
    word = plain(text)
    if word in _NO:
        return ""
    if word in FORMATS:
        return FORMATS[word]
    inside = (FORMATS[known] for known in FORMATS if len(known) > 2 and f" {known} " in f" {word} ")
    return next(inside, "other")


def stay_of(text: str) -> str:
    """Our name of a place of stay; nothing for home, or what is not known."""
    word = f" {plain(text)} "
    return next(
        (
            name
            for name, words in _STAYS.items()
            if any(f" {one} " in word for one in map(plain, words))
        ),
        "",
    )


def says_nothing(text: str) -> bool:
    """Whether it is not known: "not recorded", "n/a", "?", "unknown" with a heading's words about it."""
    word = plain(re.sub(r"\b(main|first|spoken|preferred|language|format)\b", " ", text.casefold()))
    return word in _SAYS_NOTHING or plain(text) in _SAYS_NOTHING


def is_home(text: str) -> bool:
    """Whether somebody lives at home: no place of stay."""
    return plain(text) in _HOME


def yes_or_no(text: str) -> bool | None:
    """Whether it says yes or no; None: neither."""
    word = plain(text)
    return True if word in _YES else False if word in _NO else None


def joined(formats: Iterable[str]) -> str | None:
    """As they are kept."""
    return " ".join(sorted(set(formats))) or None
