"""
How each command keeps the patients of other facilities from whoever is tied to some: the one place (NEW-38).

What keeps them is below, where the record is read and written (clinic/govern/tied.py). Here stands what comes
of it, command by command, for the tests and for docs/governance.md. A command that is in none cannot be called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final


class Reach(Enum):
    """What becomes of a patient of another facility."""

    REFUSED = "a patient, a piece of work or a reply of others: refused"
    LEFT_OUT = "many patients: those of others are left out, and counted"
    WHOLE = "of the patients of all facilities: refused to whoever is tied to some"
    NOBODY = "no patient: counts, texts, settings, staff"


_REFUSED: Final = (
    "patient", "patients safe-contact show", "patients safe-contact set", "patients safe-contact lift",
    "patients confirm-number", "patients erase", "patients restrict", "patients needs", "subject-access",
    "objection", "audit who-saw", "templates patient", "outcomes", "incident", "review", "show", "pause",
    "resume", "cancel", "correct", "resend", "confirm", "approve", "reject", "approvals show",
    "approvals resume", "unknown ask", "unknown settle", "list delete", "list take-over", "list missing",
    "groups show", "groups add", "groups remove", "groups delete", "report", "operations show",
    "operations selection", "operations visits",
    "operations status", "operations provider", "operations facility", "operations tag", "operations attribute",
    "operations export", "operations visit", "operations undo", "operations rerun", "operations resume",
    "operations withdraw", "reply take", "reply give", "reply done", "reply reopen", "reply decide",
    "holds release", "holds keep", "follow-ups tick", "follow-ups untick", "follow-ups give",
    "retention hold", "retention lift", "audit list", "notify", "record report",
    "attachments unlock", "attachments revoke",
)  # fmt: skip
_LEFT_OUT: Final = (
    "message", "remind", "operations select", "replies", "reply shared", "holds", "follow-ups",
    "templates exceptions", "approvals", "retention holds",
)  # fmt: skip
_WHOLE: Final = (
    "patients import", "import", "imports undo",
    "pseudonymise", "practice move", "practice remove", "receipts unread",
    "record resend", "sources accept", "sources sync", "audit show", "audit export", "retention ask",
    "patients reinstate",
)  # fmt: skip
_NOBODY: Final = (
    "today", "campaigns", "list ls", "list add", "list check", "templates list", "templates variables",
    "templates show", "templates add", "templates for", "templates variant", "groups list", "receipts status",
    "sending status", "sending allow", "sending ask", "sending stop", "server status", "server resume",
    "retention plan", "retention stubs", "audit verify", "audit anchor",
    "audit odd-looks", "operators list", "operators add", "operators disable", "operators secret",
    "operators unlock", "operators mfa", "operators review", "operators clinician", "operators facilities",
    "operations list", "settings", "settings ask", "settings check",
    "questionnaires list", "questionnaires show", "questionnaires preview", "questionnaires score",
    "questionnaires add", "questionnaires retire", "tags list", "tags add", "places list",
    "gateways list", "gateways check", "gateways test",
    "record status", "sources list", "sources status", "sources check", "imports list",
    "places facility", "places provider",
    "health", "help", "purposes", "doctor", "attachments preview",
)  # fmt: skip
# Where a parameter is called otherwise than what its number is of
_NUMBERS: Final[Mapping[str, Mapping[str, str]]] = {
    "operations selection": {"number": "selection"},
    "retention lift": {"hold": "legal hold"},
    "list delete": {"number": "list"},
}
_OF_REPLIES: Final = {"number": "reply", "numbers": "reply"}
_USUAL: Final = {
    **{name: name for name in ("campaign", "operation", "selection", "approval", "hold")},
    "list_id": "list", "resume": "campaign",
}  # fmt: skip
_PATIENT: Final = ("known_as", "patient", "patients")


def asked_for(path: str, given: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """What the numbers that were typed are of, by the words of the trail: "campaign" 3."""
    if path == "retention hold" and given["of"] != "patient" and given["number"].isdecimal():
        yield given["of"], int(given["number"])
    for each in given.get("follow_ups") or ():
        number = each.lstrip("c").partition(".")[0]
        if number.isdecimal():
            yield ("campaign" if each.startswith("c") else "operation"), int(number)
    own = _OF_REPLIES if path.startswith("reply ") else _NUMBERS.get(path, {})
    for name, subject in {**_USUAL, **own}.items():
        value = given.get(name)
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, int):
                yield subject, each


def ids_in(path: str, given: Mapping[str, Any]) -> list[str]:
    """The NHS numbers and ids of the practice that were typed."""
    names = ("number",) if (path, given.get("of")) == ("retention hold", "patient") else _PATIENT
    values = [given.get(name) for name in names]
    many = [each for value in values for each in (value if isinstance(value, list) else [value])]
    typed = [str(each) for each in many if each]
    # As they stand but for spaces, and without the dashes that some write: commands read either
    return ["".join(filter(keeps, each)) for each in typed for keeps in (_is_no_space, str.isalnum)]


def _is_no_space(character: str) -> bool:
    return not character.isspace()


REACHES: Final[Mapping[str, Reach]] = {
    **dict.fromkeys(_REFUSED, Reach.REFUSED),
    **dict.fromkeys(_LEFT_OUT, Reach.LEFT_OUT),
    **dict.fromkeys(_WHOLE, Reach.WHOLE),
    **dict.fromkeys(_NOBODY, Reach.NOBODY),
}
