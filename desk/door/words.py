"""What the door says, in English and Welsh: short sentences of everyday words (NHS content style)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("en", "cy")

_ENGLISH: Final = {
    "other": "Cymraeg",
    "skip": "Skip to main content",
    "back": "Back",
    "error": "Error",
    "problem": "There is a problem",
    "born_title": "Open your document",
    "born_says": "{name} sent you a document. To show that it is you, enter your date of birth.",
    "born_asks": "What is your date of birth?",
    "born_hint": "For example, 15 3 1984",
    "day": "Day",
    "month": "Month",
    "year": "Year",
    "go_on": "Continue",
    "empty": "Enter your date of birth",
    "no_date": "Your date of birth must be a real date, like 15 3 1984",
    "wrong": "That is not the date of birth we have for you. Check it and try again",
    "wait": "There were too many wrong tries. Wait 15 minutes and try again",
    "busy": "There were too many wrong tries from your network. Wait 5 minutes and try again",
    "help": "If you cannot open it, call {name}{phone}.",
    "dead_title": "This link does not work",
    "dead_says": "The link may be too old, or it may have been used with the wrong date of birth too often. "
    "Check that you opened the whole link.",
    "ready_title": "Your document",
    "ready_says": "You can open it for the next 15 minutes. After that, enter your date of birth again.",
    "open": "Open {document}",
    "shared": "If others use this device, close the document when you have read it.",
    "lost_title": "Page not found",
    "lost_says": "Check that you opened the whole link.",
    "down_title": "Sorry, there is a problem",
    "down_says": "Try again in a few minutes.",
}
_WELSH: Final = {
    "other": "English",
    "skip": "Neidio i'r prif gynnwys",
    "back": "Yn ôl",
    "error": "Gwall",
    "problem": "Mae problem",
    "born_title": "Agor eich dogfen",
    "born_says": "Anfonodd {name} ddogfen atoch. I ddangos mai chi sydd yno, rhowch eich dyddiad geni.",
    "born_asks": "Beth yw eich dyddiad geni?",
    "born_hint": "Er enghraifft, 15 3 1984",
    "day": "Diwrnod",
    "month": "Mis",
    "year": "Blwyddyn",
    "go_on": "Parhau",
    "empty": "Rhowch eich dyddiad geni",
    "no_date": "Rhaid i'ch dyddiad geni fod yn ddyddiad go iawn, fel 15 3 1984",
    "wrong": "Nid dyna'r dyddiad geni sydd gennym ar eich cyfer. Gwiriwch ef a rhowch gynnig arall arni",
    "wait": "Bu gormod o gynigion anghywir. Arhoswch 15 munud a rhowch gynnig arall arni",
    "busy": "Bu gormod o gynigion anghywir o'ch rhwydwaith. Arhoswch 5 munud a rhowch gynnig arall arni",
    "help": "Os na allwch ei hagor, ffoniwch {name}{phone}.",
    "dead_title": "Nid yw'r ddolen hon yn gweithio",
    "dead_says": "Efallai fod y ddolen yn rhy hen, neu fod y dyddiad geni anghywir wedi'i roi yn rhy aml. "
    "Gwiriwch eich bod wedi agor y ddolen gyfan.",
    "ready_title": "Eich dogfen",
    "ready_says": "Gallwch ei hagor am y 15 munud nesaf. Wedi hynny, rhowch eich dyddiad geni eto.",
    "open": "Agor {document}",
    "shared": "Os yw eraill yn defnyddio'r ddyfais hon, caewch y ddogfen ar ôl ei darllen.",
    "lost_title": "Heb ddod o hyd i'r dudalen",
    "lost_says": "Gwiriwch eich bod wedi agor y ddolen gyfan.",
    "down_title": "Mae'n ddrwg gennym, mae problem",
    "down_says": "Rhowch gynnig arall arni ymhen ychydig funudau.",
}
WORDS: Final[Mapping[str, Mapping[str, str]]] = {"en": _ENGLISH, "cy": _WELSH}


def language_of(asked: str, accepts: str) -> str:
    """The language of a page: what was chosen on one, else the first that the browser names."""
    if asked in LANGUAGES:
        return asked
    return "cy" if accepts.lower().startswith("cy") else "en"
