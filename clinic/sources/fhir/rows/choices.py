"""
Consent: only what is about being contacted; privacy and research are other consents.

In R4 the root of `provision` has no type: the policy says what holds, nested rules say otherwise. Many systems
write the type into the root all the same. So the rules that name the code decide, at whatever depth, and a
denial among them wins, or one below the root that names nothing; where only the category names it, any denial
does.

In R5 the Consent itself has a `decision`, and `provision`s, a list, are the exceptions from it. So a denial
there always wins; an exception from a permission that is of what is asked denies it.

A permission that has an end, is not in force yet, or is not active any more lifts nothing, and is told as one
that has ended: what an import noted of it earlier is taken back. Nobody has to look again on that day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
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
_ENDED: Final = "consent ended"
_POLICIES: Final = {"OPTOUT": "deny", "OPTOUTE": "deny", "OPTIN": "permit", "OPTINR": "permit"}
_DEEPEST: Final = 20


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
    about = _abouts(consent)
    if not about:
        return "not about being contacted"
    nhs, own = who(_patient(consent), context)
    if (nhs, own) == NOBODY:
        return NOT_KNOWN
    date, _, time = (text(consent, "dateTime") or text(consent, "date")).partition("T")
    clock = time[:5] if len(time) >= 5 else ""
    found: list[Row] = []
    for one in about:
        said = _decision(consent, one)
        if said == _IN:  # who rejects a consent has not given it
            said = _OUT if status == "rejected" else said if _holds(consent, context) else _ENDED
        elif (
            status != "active"
        ):  # an opt-out is not made by it, and nothing lifts one but a later consent
            said = ""
        if said and (date or said != _ENDED):  # without a day it was never noted
            found.append((nhs, own, *_words(one, said), date, clock))
    if found:
        return found
    return "neither yes nor no in force" if status == "active" else f"status {status or 'missing'}"


def _patient(consent: Resource) -> Resource:
    """Whom it is of: `subject` since R5."""
    return part(consent, "patient") or part(consent, "subject")


def _provisions(rule: Resource) -> list[Resource]:
    """Those of a Consent or of a rule: an object in R4, a list below it and in R5."""
    one = part(rule, "provision")
    return [one] if one else list(items(rule, "provision"))


def _abouts(consent: Resource) -> list[_About]:
    """Each once, in their order."""
    concepts = [
        *items(consent, "category"),
        *(c for root in _provisions(consent) for rule in _rules(root) for c in items(rule, "code")),
    ]
    return list(dict.fromkeys(found for one in concepts if (found := _About.of(one)) is not None))


def _rules(rule: Resource, depth: int = 0) -> Iterator[Resource]:
    """A rule and all below it."""
    yield rule
    for each in _provisions(rule) if depth < _DEEPEST else ():
        yield from _rules(each, depth + 1)


def _names(rule: Resource, about: _About) -> bool:
    return any(_About.of(concept) == about for concept in items(rule, "code"))


def _decision(consent: Resource, about: _About) -> str:
    """Opted out or in, or a consent with exceptions, which is none; "": nothing is said."""
    if about.code and CODES[about.code][0] == "opt_out":
        return _OUT  # the code itself says no, whatever stands beside it
    roots = _provisions(consent)
    rules = [rule for root in roots for rule in _rules(root)]
    named = [rule for rule in rules if _names(rule, about)]
    own = text(consent, "decision").lower()
    types = {own}  # of the Consent as a whole
    if not named or any(root in named for root in roots):  # the policy and the root are one rule
        types |= _policies(consent)
    of_nothing = [rule for rule in rules if not any(True for _ in items(rule, "code"))]
    if own:  # each is an exception from it
        which = named + of_nothing
        exceptions = [rule for rule in which if not _type(rule)]
        if own == "permit" and any(rule in named for rule in exceptions):
            return _OUT
    elif named:  # with those below a root that are of nothing alone, and so of this too
        which = named + [rule for rule in of_nothing if len(roots) > 1 or rule not in roots]
        exceptions = []
    else:
        which, exceptions = rules, []
    types |= {_type(rule) for rule in which}
    if "deny" in types:
        return _OUT
    if "permit" in types or about.code:
        return _ENDED if exceptions else _IN
    return ""


def _type(rule: Resource) -> str:
    """Deny or permit; "": neither is said."""
    said = {text(rule, name).lower() for name in ("type", "decision")}
    return "deny" if "deny" in said else "permit" if "permit" in said else ""


def _policies(consent: Resource) -> set[str]:
    codes = (text(c, "code") for c in items(part(consent, "policyRule"), "coding"))
    return {_POLICIES.get(code, "") for code in codes}


def _holds(consent: Resource, context: Context) -> bool:
    """Whether a permission is in force, and without an end."""
    if text(consent, "status") != "active":
        return False
    today = context.today.isoformat()
    for rule in (consent, *(rule for root in _provisions(consent) for rule in _rules(root))):
        period = part(rule, "period")
        begin = day(period, "start")
        if text(period, "end") or begin > today[: len(begin)]:
            return False
    return True


def _words(about: _About, said: str) -> tuple[str, str, str, str]:
    """Decision, channel, purpose and code, as an import reads them."""
    if not about.code:
        channel, purpose = about.channel, about.purpose
        return said, "" if channel == "any" else channel, "" if purpose == "any" else purpose, ""
    decision, purpose = CODES[about.code]
    if said == {"opt_in": _IN, "opt_out": _OUT}[decision]:  # never of one that has ended
        return "", "", "", about.code
    return said, "sms", "" if purpose == "any" else purpose, ""


CONSENTS: Final = Reader(("Consent",), _COLUMNS, _read, lambda consent: [_patient(consent)])
