"""
`cohort help`: which commands somebody needs, by role; what a code means, and what to do; a page of the docs.

A role includes what lower ones do.
"""

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
        "sign-in", "sign-out", "today", "list", "templates", "questionnaires", "groups", "message",
        "remind", "pause", "resume", "cancel", "resend", "attachments", "correct", "confirm", "campaigns",
        "show", "review", "outcomes",
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
        "init", "demo", "desk", "door", "server", "deploy", "gateways", "receipts", "record", "backup",
        "restore", "practice", "health", "doctor", "settings", "sources", "patients", "help",
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
    about: Annotated[
        str | None,
        typer.Argument(
            metavar="[ROLE|CODE|PAGE]",
            help=f"A role ({', '.join(get_args(Reader))}); the code of an error; or a page of the docs.",
        ),
    ] = None,
) -> None:
    """
    Which commands a role needs; what a code means and what to do; a page of the docs.

    cohort help manager; cohort help gateway-credit; cohort help gateways, which is docs/gateways.md.
    """
    from cli.look.pages import like, page, pages, rows_of, section_of

    if about is None:
        console.show_table("Roles", ["Role", "What it does"], _DOES.items())
        console.say("Yours: cohort operators list")
        console.say(f"What a code means: cohort help CODE. A page: cohort help {'|'.join(pages())}")
        return console.next_commands(*(f"cohort help {each}" for each in _DOES))
    if about in _NEEDS:
        return _show_role(about)
    name = about.removeprefix("docs/").removesuffix(".md")
    text = section_of(about) or (page(name) if name in pages() else rows_of(about))
    if not text:
        near = like(about)
        then = f"like it: {', '.join(near)}" if near else "all: cohort help"
        raise typer.BadParameter(f"no role, code or page is called so; {then}")
    return console.out().print(text, markup=False)


def _show_role(role: Reader) -> None:
    from cli.program import COMMANDS

    console.say(f"{role}: {_DOES[role]}.")
    rows = [(f"cohort {name}", COMMANDS[name].says) for name in needed_by(role)]
    console.show_table(f"Commands of: {role}", ["Command", "What it does"], rows)
    return console.next_commands(f"cohort {_NEEDS[role][0]} --help")
