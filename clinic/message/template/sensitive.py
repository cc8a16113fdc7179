"""
Words that do not belong in a text: a phone lies on a table, and its screen lights up.

COM-4: no confidential or sensitive information by SMS. The table below finds likely cases, in the
template's own words and in the names of its variables; it cannot find all, so `NOTICE` is shown
with every SMS campaign. A person who still wants to send says so (`--accept-warnings`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

NOTICE: Final = (
    "Do not send confidential or sensitive information by SMS: others may see the patient's phone."
)

# PAT-28, ACX-23: what the program does for them, and what it cannot know
CONSENT: Final = (
    "Leave out deceased patients and those who do not want {channel}: those marked on the record are left "
    "out, those that only you know of are not."
)
_WORDS: Final = {"sms": "texts", "email": "e-mail", "voice": "calls"}

# Others may see or hear these; an e-mail or a letter opens for its reader
SEEN_BY_OTHERS: Final = frozenset({"sms", "voice"})

# code: (what it is about, beginnings of words in English and Welsh). "*": any ending
_TABLE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = MappingProxyType({
    "results": (
        "a test or its result",
        ("results", "test result*", "your result*", "biops*", "smear", "blood test*", "scan report*",
         "positive for", "negative for", "abnormal", "canlyniad*"),
    ),
    "sexual_health": (
        "sexual health",
        ("hiv", "aids", "sti", "stis", "std", "stds", "sexual*", "chlamydia*", "gonorrh*", "syphilis",
         "herpes", "hpv", "genital*", "prep clinic", "erectile"),
    ),
    "cancer": (
        "cancer",
        ("cancer*", "tumour*", "tumor*", "oncolog*", "chemo*", "radiotherap*", "malignan*", "leukaemi*",
         "two week wait", "canser"),
    ),
    "pregnancy": (
        "pregnancy or fertility",
        ("pregnan*", "antenatal", "maternity", "miscarr*", "abortion*", "termination*", "fertility",
         "infertil*", "ivf", "contracepti*", "beichiog*"),
    ),
    "mental_health": (
        "mental health",
        ("mental health", "mental illness", "psychiatr*", "psycholog*", "depress*", "anxiety", "suicid*",
         "self harm", "bipolar", "schizophren*", "psychos*", "eating disorder", "iechyd meddwl"),
    ),
    "substances": (
        "alcohol or drugs",
        ("alcohol*", "addict*", "substance misuse", "drug misuse", "methadone", "buprenorphine",
         "rehab", "detox"),
    ),
    "violence": (
        "abuse or safeguarding",
        ("abuse", "domestic violence", "safeguarding", "assault", "rape", "fgm"),
    ),
    "diagnosis": (
        "a diagnosis",
        ("diagnos*", "dementia", "alzheimer*", "epilep*", "hepatitis", "tubercul*", "palliative",
         "end of life", "terminal*", "learning disab*", "gender identity", "gender dysphoria"),
    ),
    "identity": (
        "details that identify the patient",
        ("nhs number", "date of birth", "birth date", "dob", "home address"),
    ),
    "secret": ("a password", ("password*", "passcode*", "pin", "bank detail*", "card number*")),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContentWarning:
    """A code for programs and a sentence for the person who decides."""

    code: str
    says: str


def warnings_for(body: str, channel: str) -> list[ContentWarning]:
    """
    What in a template should not be sent this way: COM-4, for batch and group alike.

    Args:
        body: the template, before any patient's values are in it
        channel: "sms", "email", "voice" …; only those that others may see or hear are judged

    Returns:
        one warning a subject, naming the words found, in the order of the table; none: []
    """
    if channel not in SEEN_BY_OTHERS:
        return []
    words = re.sub(r"[\W_]+", " ", body.lower())
    found = {code: sorted(set(pattern.findall(words))) for code, pattern in _PATTERNS.items()}
    return [_warning(code, terms) for code, terms in found.items() if terms]


def notices(channel: str) -> tuple[str, ...]:
    """What is said once at every send, whatever its words: PAT-28, ACX-23 and, where others see it, COM-4."""
    consent = CONSENT.format(channel=_WORDS.get(channel, channel))
    return (consent, NOTICE) if channel in SEEN_BY_OTHERS else (consent,)


def _warning(code: str, terms: list[str]) -> ContentWarning:
    quoted = ", ".join(f"“{term}”" for term in terms)
    return ContentWarning(
        f"sensitive_{code}",
        f"The message seems to be about {_TABLE[code][0]} ({quoted}). Ask the patient to "
        "call, or accept this warning.",
    )


def _pattern(beginnings: tuple[str, ...]) -> re.Pattern[str]:
    """Whole words only: "rape" must not find "grape", nor "pin" "spinach"."""
    endings = (word[:-1] + r"\w*" if word.endswith("*") else word for word in beginnings)
    return re.compile(rf"\b(?:{'|'.join(endings)})\b")


_PATTERNS: Final = {code: _pattern(words) for code, (_, words) in _TABLE.items()}
