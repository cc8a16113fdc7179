"""
Consent: only what is about being contacted; privacy and research are other consents.

In R4 the root of `provision` has no type: the policy says what holds, nested rules say otherwise. Many systems
write the type into the root all the same. So the rules that name the code decide, at whatever depth, and a
denial among them wins, or one below the root that names nothing; where only the category names it, any denial
does. A permission that is over, or not in force yet, lifts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from clinic.cohort.consent_codes import CODES
from clinic.sources.fhir.rows.parts import (
    NOBODY,
    NOT_KNOWN,
    SNOMED,
    Context,
    Reader,
    Resource,
    Row,
    day,
    items,
    part,
    text,
    who,
)

# As this program saves its own (clinic/outside_record/others.py)
_OURS: Final = re.compile(r"messages by (\w+), purpose (\w+)")
_COLUMNS: Final = (
    "NHS Number",
    "Local ID",
    "Decision",
    "Channel",
    "Purpose",
    "Code",
    "Date",
    "Time",
)
_OUT: Final = "opted out"
_IN: Final = "opted in"
_POLICIES: Final = {"OPTOUT": "deny", "OPTOUTE": "deny", "OPTIN": "permit", "OPTINR": "permit"}
_DEEPEST: Final = 20
_SAYS_NOTHING: Final = {
    "active": "neither yes nor no in force",
    "rejected": "status rejected",
}


@dataclass(frozen=True)
class _About:
    """What a Consent is about: a code of ours, or the channel and purpose of one that this program saved."""

    code: str = ""
    channel: str = ""
    purpose: str = ""

    @classmethod
    def of(cls, concept: Resource) -> _About | None:
        """None: this concept is of something else."""
        if ours := _OURS.fullmatch(text(concept, "text")):
            return cls("", ours[1], ours[2])
        for each in items(concept, "coding"):
            if text(each, "system") == SNOMED and text(each, "code") in CODES:
                return cls(text(each, "code"))
        return None


def _read(consent: Resource, context: Context) -> list[Row] | str:
    status = text(consent, "status")
    if status not in ("active", "rejected"):  # nothing lifts an opt-out but a later consent
        return f"status {status or 'missing'}"
    root = part(consent, "provision")
    about = _abouts(consent, root)
    if not about:
        return "not about being contacted"
    nhs, own = who(part(consent, "patient"), context)
    if (nhs, own) == NOBODY:
        return NOT_KNOWN
    date, _, time = text(consent, "dateTime").partition("T")
    clock = time[:5] if len(time) >= 5 else ""
    found: list[Row] = []
    for one in about:
        said = _decision(consent, root, one)
        if (
            status == "rejected"
        ):  # who rejects a consent has not given it; an opt-out is not made by it
            said = _OUT if said == _IN else ""
        elif said == _IN and not _in_force(root, context.today):
            said = ""
        if said:
            found.append((nhs, own, *_words(one, said), date, clock))
    return found or _SAYS_NOTHING[status]


def _abouts(consent: Resource, root: Resource) -> list[_About]:
    """Each once, in their order."""
    concepts = [
        *items(consent, "category"),
        *(c for rule in _rules(root) for c in items(rule, "code")),
    ]
    return list(dict.fromkeys(found for one in concepts if (found := _About.of(one)) is not None))


def _rules(rule: Resource, depth: int = 0) -> Iterator[Resource]:
    """A rule and all below it."""
    yield rule
    for each in items(rule, "provision") if depth < _DEEPEST else ():
        yield from _rules(each, depth + 1)


def _names(rule: Resource, about: _About) -> bool:
    return any(_About.of(concept) == about for concept in items(rule, "code"))


def _decision(consent: Resource, root: Resource, about: _About) -> str:
    """Opted out or in; "": nothing is said."""
    if about.code and CODES[about.code][0] == "opt_out":
        return _OUT  # the code itself says no, whatever stands beside it
    policy = _POLICIES.get(
        next((text(c, "code") for c in items(part(consent, "policyRule"), "coding")), ""), ""
    )
    rules = list(_rules(root))
    named = [rule for rule in rules if _names(rule, about)]
    if named:  # with those that are of nothing alone, and so of this too
        which = named + [rule for rule in rules[1:] if not any(True for _ in items(rule, "code"))]
    else:
        which = rules
    types = {text(rule, "type") for rule in which}
    if not named or root in named:  # the policy and the root are one rule
        types.add(policy)
    if "deny" in types:
        return _OUT
    return _IN if "permit" in types or about.code else ""


def _in_force(root: Resource, today: date) -> bool:
    """Whether no period of its rules is over or to come."""
    for rule in _rules(root):
        period = part(rule, "period")
        begin, end = day(period, "start"), day(period, "end")
        if (end and end < today.isoformat()[: len(end)]) or begin > today.isoformat()[: len(begin)]:
            return False
    return True


def _words(about: _About, said: str) -> tuple[str, str, str, str]:
    """Decision, channel, purpose and code, as an import reads them."""
    if not about.code:
        channel, purpose = about.channel, about.purpose
        return said, "" if channel == "any" else channel, "" if purpose == "any" else purpose, ""
    decision, purpose = CODES[about.code]
    if said == {"opt_in": _IN, "opt_out": _OUT}[decision]:
        return "", "", "", about.code
    return said, "sms", "" if purpose == "any" else purpose, ""


CONSENTS: Final = Reader(("Consent",), _COLUMNS, _read, lambda consent: [part(consent, "patient")])
