"""`cohort help`: which commands somebody needs, by role; a role includes what lower ones do."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

import typer

from cli import console

Reader = Literal["operator", "team_lead", "manager", "auditor", "admin", "installation"]

_DOES: Final[dict[Reader, str]] = {
    "operator": "sends messages, asks for record operations, reads what patients answer",
    "team_lead": "does all that, and approves tags and exports",
    "manager": "does all that, approves everything else, reads the audit trail, stops and allows sending",
    "auditor": "reads the audit trail and who looked at whom, and nothing else",
    "admin": "adds and disables operators and resets passwords, and nothing else",
    "installation": "whoever runs the machine: sets it up, starts it, copies it, watches it",
}
_NEEDS: Final[dict[Reader, tuple[str, ...]]] = {
    "operator": (
        "sign-in", "sign-out", "today", "list", "templates", "groups", "message", "remind", "pause", "resume",
        "cancel", "resend", "correct", "confirm", "campaigns", "show", "review", "outcomes",
        "incident", "replies", "reply", "holds", "patient", "report", "operations", "follow-ups", "tags",
        "patients", "import", "imports", "sources", "objection", "purposes", "record", "help",
    ),
    "team_lead": ("approvals", "approve", "reject", "unknown"),
    "manager": (
        "audit", "subject-access", "pseudonymise", "retention", "settings", "sending", "places",
        "notify",
    ),
    "auditor": ("audit", "operators", "sign-in", "sign-out", "help"),
    "admin": ("operators", "sign-in", "sign-out", "help"),
    "installation": (
        "init", "demo", "server", "deploy", "gateways", "receipts", "record", "backup", "restore", "practice",
        "health", "doctor", "settings", "sources", "patients", "help",
    ),
}  # fmt: skip
_LADDER: Final[tuple[Reader, ...]] = ("operator", "team_lead", "manager")


def needed_by(reader: Reader) -> list[str]:
    """The commands that somebody of this role uses, each once, lower roles' first."""
    if reader not in _LADDER:
        return list(_NEEDS[reader])
    own = _LADDER[: _LADDER.index(reader) + 1]
    return [name for each in own for name in _NEEDS[each]]


def show_help(
    role: Annotated[
        Reader | None, typer.Argument(help=f"One of: {', '.join(get_args(Reader))}.")
    ] = None,
) -> None:
    """Which commands you need, by your role."""
    from cli.program import COMMANDS

    if role is None:
        console.show_table("Roles", ["Role", "What it does"], _DOES.items())
        console.say("Yours: cohort operators list")
        return console.next_commands(*(f"cohort help {each}" for each in _DOES))
    console.say(f"{role}: {_DOES[role]}.")
    rows = [(f"cohort {name}", COMMANDS[name].says) for name in needed_by(role)]
    console.show_table(f"Commands of: {role}", ["Command", "What it does"], rows)
    return console.next_commands(f"cohort {_NEEDS[role][0]} --help")
