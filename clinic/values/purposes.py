"""
What messages are for: a closed list, each with its legal basis and what of a patient's decides it.

    objection   everybody may be messaged who has not objected to this purpose
    consent     nobody may be messaged who has not consented to it: marketing alone

A patient's decision for "any" speaks of every purpose. `test_results` is a part of care that patients may
decline by itself (their record has codes for it): who declines it still hears of their care otherwise.
Who owns a purpose and when it is reviewed, a practice says in its settings (clinic/settings/organisation.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from clinic.errors import CohortRefused

Rule = Literal["objection", "consent"]
ANY: Final = "any"
CARE: Final = "care"
ADMINISTRATION: Final = "administration"
RECALL: Final = "recall"
FEEDBACK: Final = "feedback"
RESEARCH: Final = "research"
MARKETING: Final = "marketing"
TEST_RESULTS: Final = "test_results"
NATIONAL_OPT_OUT: Final = "national_opt_out"
"""Of no message: whose data may not leave for research, by the National Data Opt-out."""
_TASK: Final = "UK GDPR 6(1)(e) public task; 9(2)(h) health care"


@dataclass(frozen=True)
class Purpose:
    """One of the list. says: what messages of it are about; basis: why the practice may send them."""

    name: str
    says: str
    basis: str
    ruled_by: Rule


_LIST: Final = (
    Purpose(CARE, "a patient's own care: clinics, results, medicines, advice", _TASK, "objection"),
    Purpose(
        ADMINISTRATION, "appointments, hours, how the practice is reached", _TASK, "objection"
    ),
    Purpose(RECALL, "calls and recalls: vaccinations, screening, reviews", _TASK, "objection"),
    Purpose(
        FEEDBACK, "surveys, the Friends and Family Test", _TASK, "objection"
    ),
    Purpose(
        RESEARCH, "invitations to take part in research",
        "UK GDPR 6(1)(e) public task; 9(2)(j) research", "objection",
    ),
    Purpose(
        MARKETING, "paid services, offers, fundraising", "UK GDPR 6(1)(a) consent; PECR 22", "consent"
    ),
)  # fmt: skip
PURPOSES: Final[Mapping[str, Purpose]] = MappingProxyType({one.name: one for one in _LIST})
_PARTS: Final[Mapping[str, str]] = MappingProxyType({TEST_RESULTS: CARE})
# Of what patients decide
KNOWN: Final = frozenset({*PURPOSES, *_PARTS, ANY, NATIONAL_OPT_OUT})

# What purposes were called while they were free text
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "appointment": ADMINISTRATION, "appointments": ADMINISTRATION, "reminder": ADMINISTRATION,
        "reminders": ADMINISTRATION, "notice": ADMINISTRATION, "notices": ADMINISTRATION,
        "admin": ADMINISTRATION, "closure": ADMINISTRATION, "review": RECALL, "reviews": RECALL,
        "recalls": RECALL, "screening": RECALL, "vaccination": RECALL, "vaccinations": RECALL,
        "immunisation": RECALL, "immunisations": RECALL, "survey": FEEDBACK, "surveys": FEEDBACK,
        "fft": FEEDBACK, "friends and family": FEEDBACK, "questionnaire": FEEDBACK,
        "study": RESEARCH, "studies": RESEARCH, "trial": RESEARCH, "newsletter": MARKETING,
        "newsletters": MARKETING, "news": MARKETING, "promotion": MARKETING, "promotions": MARKETING,
        "offers": MARKETING, "fundraising": MARKETING, "charity": MARKETING,
        "health promotion": CARE, "results": TEST_RESULTS, "test results": TEST_RESULTS,
        "medication": CARE, "clinical": CARE, "invitation": CARE,
    }
)  # fmt: skip


def listed(word: str, message_type: str = "") -> str:
    """
    Which of the list a purpose is that was free text; by the type of its template where the word says nothing.

    Args:
        word: as it was kept; one of the list is itself
    """
    for said in (word, message_type):
        plain = said.strip().lower().replace("_", " ")
        if plain.replace(" ", "_") in PURPOSES or plain.replace(" ", "_") in _PARTS:
            return plain.replace(" ", "_")
        if plain in _WORDS:
            return _WORDS[plain]
    return CARE


def purpose_in(typed: str) -> str:
    """
    What was typed after --purpose.

    Raises:
        CohortRefused: it is none of the list
    """
    name = typed.strip().lower().replace("-", "_")
    if name not in PURPOSES and name not in _PARTS:
        raise CohortRefused(
            "purpose-unknown",
            f"--purpose is one of {', '.join(PURPOSES)} (or {TEST_RESULTS}, a part of care): cohort purposes",
        )
    return name


def decided_by(purpose: str) -> frozenset[str]:
    """The purposes whose decisions speak of a message for this one."""
    own = listed(purpose)  # of a campaign of before there was the list: its own word counts too
    return frozenset({purpose, ANY, own, _PARTS.get(own, own)})


def says_of(purpose: str) -> str:
    """In a line, for who looks at a campaign; nothing of notices to staff."""
    own = listed(purpose)
    if purpose.startswith("staff "):
        return ""
    one = PURPOSES[_PARTS.get(own, own)]
    rule = "who objected gets none" if one.ruled_by == "objection" else "who consented gets it"
    return f"{own.replace('_', ' ')}: {rule}"


def needs_consent(purpose: str) -> bool:
    """Whether silence is no yes."""
    own = listed(purpose)
    return own in PURPOSES and PURPOSES[own].ruled_by == "consent"
