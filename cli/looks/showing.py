"""
Which patients' values each command shows: the one place that says so, for the log, help and tests (NEW-37).

A command that is in none of the four cannot be called. One that always shows patients holds back its results
until the look is logged (cli/looks/noting.py): forgotten there, it shows nothing and fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from cli import console


class Shows(Enum):
    """Whom a command shows; the text is what its help says of it."""

    NOBODY = ""
    ONE = "That you look, and why, is in the access log (cohort audit who-saw)."
    WORK = "That you look is in the access log."
    SOMETIMES = "Where patients are shown, that is in the access log."


_ONE: Final = ("patient", "subject-access", "patients safe-contact show", "audit who-saw")
_WORK: Final = (
    "outcomes", "incident", "replies", "reply shared", "holds", "report", "review", "groups show",
    "templates exceptions", "follow-ups", "operations show", "operations selection", "operations visits",
    "audit show", "audit export", "patients needs", "receipts unread",
)  # fmt: skip
_SOMETIMES: Final = (
    "show", "message", "remind", "resend", "correct", "list take-over", "list missing", "approvals show",
    "operations select", "operations status", "operations provider", "operations facility",
    "operations tag", "operations attribute", "operations export", "operations visit",
    "operations undo", "operations rerun", "audit list",
)  # fmt: skip
# Counts, codes, texts of templates, staff: no patient's value
_NOBODY: Final = (
    "retention plan", "retention run", "retention hold", "retention lift", "retention holds", "retention stubs",
    "retention ask", "list add", "today", "campaigns", "list ls", "list check",
    "templates list", "templates variables",
    "templates show", "templates add", "templates for", "templates patient", "templates variant",
    "groups list", "groups add", "groups remove", "groups delete",
    "questionnaires list", "questionnaires show", "questionnaires preview", "questionnaires score",
    "questionnaires add", "questionnaires retire", "tags list", "tags add", "places list",
    "places facility", "places provider", "patients import", "import", "imports list", "imports undo",
    "patients confirm-number",
    "patients erase", "patients restrict", "patients reinstate", "list delete",
    "patients safe-contact set", "patients safe-contact lift", "pause", "resume", "cancel", "sending status",
    "objection", "purposes", "doctor", "sending stop", "sending allow", "sending ask", "unknown ask",
    "pseudonymise", "sources list", "sources check",
    "unknown settle", "reply take",
    "reply give", "reply done", "reply reopen", "reply decide", "holds release", "holds keep",
    "sources status", "sources sync", "sources accept", "gateways list", "gateways check", "gateways test",
    "receipts status", "desk serve", "door serve", "attachments preview", "attachments unlock",
    "attachments revoke",
    "receipts serve", "receipts apply", "record status", "record save", "record resend",
    "record report", "deploy", "server start", "server stop", "server status",
    "server resume", "approvals", "approvals stale", "approvals resume", "confirm", "approve", "reject",
    "audit verify", "audit anchor", "audit odd-looks", "operators list", "operators add", "operators disable",
    "operators secret", "operators unlock", "operators clinician", "operators mfa", "operators facilities",
    "operators review",
    "operations list", "operations resume",
    "operations withdraw", "settings", "settings ask", "settings check", "follow-ups tick",
    "follow-ups untick", "follow-ups give", "notify", "health", "health serve", "help", "sign-in", "sign-out",
    "demo", "init", "backup", "restore", "practice move", "practice remove",
)  # fmt: skip
SHOWING: Final[Mapping[str, Shows]] = {
    **dict.fromkeys(_ONE, Shows.ONE),
    **dict.fromkeys(_WORK, Shows.WORK),
    **dict.fromkeys(_SOMETIMES, Shows.SOMETIMES),
    **dict.fromkeys(_NOBODY, Shows.NOBODY),
}
_ALWAYS: Final = (Shows.ONE, Shows.WORK)


@dataclass
class Call:
    """The command that runs. acts: in a name that is proven; noted: whether its look is logged"""

    path: str
    shows: Shows
    acts: bool
    given: Mapping[str, Any]
    noted: bool = False


_RUNS: ContextVar[Call | None] = ContextVar("the command that runs", default=None)


def running() -> Call | None:
    """The command that runs, if it may show patients."""
    return _RUNS.get()


@contextmanager
def runs(call: Call) -> Iterator[None]:
    """For the length of the block it is this command; what it must log first, it does not show before."""
    before = _RUNS.set(call)
    console.hold_back(call.shows in _ALWAYS)
    try:
        yield
    finally:
        console.hold_back(False)
        _RUNS.reset(before)
