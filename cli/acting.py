"""
In whose name each command acts or looks, and the right it takes: the one place that says so (NEW-38).

What acts puts a person's name on the record or the trail, and has `--operator`. What looks shows what is
known of patients, but for what is OPEN. Where somebody was added, both take a proven, active person whose
role has the right; it is asked before anything of the command runs (cli/door/gate.py). Upkeep is the
account's: it starts and copies the installation, or does at once what scheduled runs do by themselves.
A command that is in none of the three cannot be called.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from cli.door.need import Need
from cli.door.reach import REACHES, Reach
from cli.looks import guard

if TYPE_CHECKING:
    from clinic.govern.people.roles import Right


class How(Enum):
    """How a name is proven; the text is what the help says of it."""

    SIGNED_IN = (
        "In your name: sign in once an hour (cohort sign-in NAME), or give --operator and password."
    )
    ASKS_ANEW = "Asks for your password each time, also while you are signed in."
    NEVER_WAITS = "Asks for nothing: if you are not signed in, it is done in this account's name."


_EVERY: Final = (
    "patients import", "patients safe-contact set", "patients safe-contact show", "patients safe-contact lift",
    "patients confirm-number", "patients erase", "patients restrict", "patients reinstate", "list delete",
    "list add", "list take-over", "message", "remind", "pause", "resume", "cancel", "sending allow",
    "sending ask", "resend", "correct",
    "unknown ask", "unknown settle", "templates add", "templates for", "templates patient",
    "groups add", "groups remove", "groups delete",
    "server resume", "approvals resume", "confirm", "audit list", "audit show", "audit anchor", "audit export",
    "audit who-saw", "audit odd-looks",
    "operations select", "operations status", "operations provider", "operations facility", "operations tag",
    "operations attribute", "operations export", "operations visit", "operations undo", "operations rerun",
    "operations resume", "operations withdraw", "settings ask", "follow-ups tick", "follow-ups untick",
    "patients needs", "import", "imports undo",
    "list missing", "templates variant", "follow-ups give", "objection",
    "operators review",
    "retention hold", "retention lift", "retention ask",
    "subject-access", "pseudonymise",
    "questionnaires add", "questionnaires retire", "tags add", "places facility", "places provider", "notify",
    "reply take", "reply give", "reply done", "reply reopen", "reply decide",
    "holds release", "holds keep", "record resend", "record report", "sources sync", "sources accept",
    "gateways test", "attachments unlock", "attachments revoke",
)  # fmt: skip
_ANEW: Final = (
    "approve", "reject", "operators add", "operators disable", "operators secret", "operators unlock",
    "operators clinician", "operators mfa", "operators facilities",
)  # fmt: skip

ACTING: Final = {
    **dict.fromkeys(_EVERY, How.SIGNED_IN),
    **dict.fromkeys(_ANEW, How.ASKS_ANEW),
    "practice move": How.SIGNED_IN,
    "practice remove": How.ASKS_ANEW,
    "sending stop": How.NEVER_WAITS,
}

LOOKING: Final = frozenset({
    "today", "campaigns", "show", "outcomes", "incident", "replies", "reply shared", "holds", "patient",
    "report", "review", "list ls", "list check",
    "templates list", "templates variables", "templates show", "templates exceptions",
    "groups list", "groups show",
    "receipts status", "receipts unread", "record status", "sources status", "sending status",
    "server status", "approvals",
    "approvals show",
    "retention plan", "retention holds", "retention stubs",
    "audit verify", "operators list", "operations list", "operations show",
    "operations selection", "operations visits", "settings",
    "questionnaires list", "questionnaires show", "questionnaires preview", "questionnaires score",
    "follow-ups", "tags list", "places list", "health", "settings check", "help", "purposes", "doctor",
    "sources list", "sources check", "imports list", "gateways list", "gateways check", "attachments preview",
})  # fmt: skip

# Of those, what shows nothing of a patient: whoever has the account may look
OPEN: Final = frozenset({
    "templates list", "templates variables", "templates show", "groups list", "receipts status",
    "record status", "sources status",
    "sending status", "server status", "audit verify", "operators list", "settings", "settings check",
    "questionnaires list", "questionnaires show", "questionnaires preview", "questionnaires score",
    "tags list", "places list", "health", "help", "purposes", "doctor",
    "sources list", "imports list", "gateways list", "gateways check", "attachments preview",
})  # fmt: skip

UPKEEP: Final = {
    "demo": "a practice of its own, that does not exist",
    "init": "the account's own settings file and database; what two people change is asked for elsewhere",
    "backup": "a copy, for this account alone, of what it can read",
    "restore": "into an empty home: there is nobody yet to prove it by, and nothing is sent",
    "deploy": "what this program describes, on a server whose login this account has",
    "server start": "processes of this account",
    "server stop": "processes of this account",
    "health serve": "tells a monitoring program what it sees; writes nothing",
    "door serve": "whoever comes to it proves their date of birth there",
    "desk serve": "whoever comes to it signs in there",
    "receipts serve": "what networks tell us; it is theirs",
    "retention run": "removes the copies that are due, as the scheduled run does every night",
    "receipts apply": "what the scheduled run does every minute",
    "record save": "what the scheduled run does every five minutes",
    "approvals stale": "closes what has expired, as the scheduled run does",
    "sign-in": "is the proof",
    "sign-out": "ends it",
}

# What acts takes `send` and what looks takes `view`, but for these. None: every proven person
_RIGHTS: Final[dict[str, Right | None]] = {
    "record report": "export",
    "outcomes": "export", "incident": "export", "operations export": "export", "practice move": "export",
    "patients safe-contact show": "view",
    "subject-access": "export", "pseudonymise": "export",
    "audit who-saw": "audit", "audit odd-looks": "audit",
    "audit list": "audit", "audit show": "audit", "audit export": "audit", "audit anchor": "audit",
    "operators add": "govern", "operators disable": "govern", "operators clinician": "govern",
    "operators facilities": "govern",
    # Of one's own, or by another; the command itself judges the role
    "operators secret": None, "operators unlock": None, "operators mfa": None, "operators review": None,
}  # fmt: skip
# Asks for nobody unless this is given: the nightly note of the trail's length is upkeep
_ONLY_WITH: Final = {"audit anchor": "anew"}
LOOKS: Final = "Shows what is known of patients: sign in once an hour (cohort sign-in NAME)."


def need_of(path: str) -> Need | None:
    """What this command takes; None: it is open, upkeep, or must never wait."""
    how = ACTING.get(path)
    if how is How.NEVER_WAITS or path in OPEN or (how is None and path not in LOOKING):
        return None
    usual: Right = "send" if how else "view"
    right = _RIGHTS.get(path, usual)
    whole = REACHES.get(path) is Reach.WHOLE
    return Need(path, right, how is How.ASKS_ANEW, _ONLY_WITH.get(path, ""), whole)


def declare(name: str, command: Any) -> None:
    """
    Give each command below this one the line of help that its kind has, and its guard.

    Raises:
        LookupError: nobody said in whose name a command acts, or it acts and has no --operator
    """
    from cli.door.gate import stand_before

    for path, each in leaves(name, command):
        how = ACTING.get(path)
        if (how is not None) + (path in LOOKING) + (path in UPKEEP) != 1:
            raise LookupError(f"cli/acting.py says nothing, or two things, of: cohort {path}")
        if path not in REACHES and path not in UPKEEP:
            raise LookupError(
                f"cli/door/reach.py does not say whose patients it reaches: cohort {path}"
            )
        if how is not None and not any("--operator" in option.opts for option in each.params):
            raise LookupError(f"cohort {path} acts and has no --operator")
        need = need_of(path)
        if need is not None:
            stand_before(need, each)
        if how is not None or need is not None:
            each.epilog = " ".join(filter(None, (each.epilog, how.value if how else LOOKS)))
    # Last, so that it stands before all else that a command asks: what is refused there is logged too
    for path, each in leaves(name, command):
        guard.declare(path, each, acts=path in ACTING)


def leaves(name: str, command: Any) -> list[tuple[str, Any]]:
    """Whatever can be called at or below a command, by what is typed after `cohort`."""
    below = getattr(command, "commands", None)
    if below is None:
        return [(name, command)]
    own = [(name, command)] if command.invoke_without_command else []
    return [
        *own,
        *(leaf for word, each in below.items() for leaf in leaves(f"{name} {word}", each)),
    ]
