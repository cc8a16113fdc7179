"""Words of other systems for a patient's status and preferred channel, and remarks on whose a number is."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from clinic.message.intake.says_no import says_yes

ACTIVE, DISCHARGED, TEST = "active", "discharged", "test"
_STATUSES: Final = {
    **dict.fromkeys(
        ("active", "regular", "registered", "gms", "current", "permanent", "temporary", "private",
         "fully registered", "applied"), ACTIVE,
    ),
    **dict.fromkeys(
        ("left", "deducted", "inactive", "deregistered", "transferred out", "removed", "deceased", "dead",
         "died", "no longer registered", "deactivated"), DISCHARGED,
    ),
    **dict.fromkeys(("dummy", "test", "test patient"), TEST),
}  # fmt: skip
_CHANNELS: Final = {
    "sms": "sms", "text": "sms", "text message": "sms", "mobile": "sms", "email": "email", "e mail": "email",
    "voice": "voice", "phone": "voice", "telephone": "voice", "call": "voice", "home phone": "voice",
    "none": "none", "no contact": "none", "do not contact": "none",
}  # fmt: skip
_OTHERS: Final = re.compile(
    r"\b(?:mother|mum|mam|father|dad|parent|carer|guardian|next of kin|nok|wife|husband|partner|spouse|"
    r"daughter|son|sister|brother|friend|neighbour|relative|work|office|wrong|old|not theirs)(?:s|['’]s)?\b",
    re.IGNORECASE,
)


def status_of(text: str, statuses: Collection[str]) -> str:
    """A code of the organisation's list, or `test`; "" where the word is not known."""
    plain = re.sub(r"[\W_]+", " ", text.split(",")[0].casefold()).strip()
    code = plain.replace(" ", "_")
    if code in statuses:
        return code
    found = _STATUSES.get(plain, "")
    return found if found == TEST or found in statuses else ""


def channel_of(text: str) -> str:
    """sms, email, voice or none; "" where the word is not known."""
    return _CHANNELS.get(re.sub(r"[\W_]+", " ", text.casefold()).strip(), "")


def is_of_another(comment: str) -> bool:
    """Whether a remark on a number says that it is not, or not only, the patient's own."""
    return _OTHERS.search(comment) is not None


def is_yes(text: str) -> bool:
    """Whether a mark is set: of a dummy patient, of a row that was taken out."""
    return says_yes(text) is not False and text.strip() != ""
