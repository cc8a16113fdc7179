"""
What must be minded at every send: a phone lies on a table, and its screen lights up.

COM-4: no confidential or sensitive information by SMS. The content gate (clinic/message/prepare/content.py)
finds likely cases; it cannot find all, so `NOTICE` is shown with every SMS campaign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NOTICE: Final = (
    "Do not send confidential or sensitive information by SMS: others may see the patient's phone."
)
_CALL_NOTICE: Final = (
    "Do not have confidential or sensitive information read in a call: whoever answers hears it, or a machine "
    "keeps it."
)

# PAT-28, ACX-23: what the program does for them, and what it cannot know
CONSENT: Final = (
    "Leave out deceased patients and those who do not want {channel}: those marked on the record are left "
    "out, those that only you know of are not."
)
_WORDS: Final = {"sms": "texts", "email": "e-mail", "voice": "calls"}

# Others may see or hear these; an e-mail or a letter opens for its reader
SEEN_BY_OTHERS: Final = frozenset({"sms", "voice"})


@dataclass(frozen=True, slots=True)
class ContentWarning:
    """A code for programs and a sentence for the person who decides."""

    code: str
    says: str


def notices(channel: str) -> tuple[str, ...]:
    """What is said once at every send, whatever its words: PAT-28, ACX-23 and, where others see it, COM-4."""
    consent = CONSENT.format(channel=_WORDS.get(channel, channel))
    if channel not in SEEN_BY_OTHERS:
        return (consent,)
    return consent, _CALL_NOTICE if channel == "voice" else NOTICE
