"""`cohort operators review` and `mfa`: who works here, looked at; and a second step at sign-in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.options import Json
from cli.proof import Me, SecretFd, anchor_of, prove_me
from cli.wiring import LocalTime, get_settings, open_record


def review(
    done: Annotated[
        bool, typer.Option("--done", help="Note on the audit trail that you have looked at it.")
    ] = False,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Each person: role, rights, last sign-in, last use, second step, when dormant. Once a quarter."""
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.people.review import note_review, require_reviewer
    from clinic.govern.people.review import review as everybody
    from clinic.practice.leavers.arrival import policy_of

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        require_reviewer(by)
        found = everybody(record, days=policy_of(record, settings).dormant_days)
        if done:
            note_review(record, SystemClock(), by=by)
            write_anchor(record, anchor_of(settings))
    if json:
        return console.show_json([asdict(person) for person in found])
    show = LocalTime(settings).show
    console.show_table(
        "Who works here",
        ["Name", "Role", "", "Rights", "Signed in", "Last here", "Second step", "Disabled if not here by"],
        [
            (
                x.name, x.role, "" if x.active else "disabled", ", ".join(x.rights),
                show(x.signed_in_at), show(x.used_at),
                {True: "yes", False: "none", None: ""}[x.second_step], show(x.dormant_at),
            )
            for x in found
        ],
    )  # fmt: skip
    if done:
        return console.say("The review is on the audit trail.")
    return console.next_commands("cohort operators disable NAME", "cohort operators review --done")


def mfa(
    name: Annotated[str, typer.Argument(help="Whose; an admin names another with --reset.")],
    code: Annotated[
        str,
        typer.Option(metavar="DIGITS", help="What the device shows: it confirms what was begun."),
    ] = "",
    reset: Annotated[
        bool,
        typer.Option("--reset", help="Their device is lost: ask no code until they enrol again."),
    ] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """A second step at your sign-in: a code that your own device shows for half a minute (TOTP)."""
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.people.new_secret import require_may_reset
    from clinic.govern.people.operators import get_operator
    from clinic.govern.people.second_step import (
        ask_second_step,
        confirm_second_step,
        reset_second_step,
    )

    settings, clock = get_settings(), SystemClock()
    with open_record(settings) as record:
        by = prove_me(record, settings, me or ("" if reset else name), secret_fd, anew=True)
        whose = get_operator(record, name).name
        if reset:
            require_may_reset(by, whose)
        if not reset and whose != by.name:
            raise NotAllowed(
                "mfa-own", "everybody enrols their own device; an admin may --reset it"
            )
        if reset:
            reset_second_step(record, clock, name=whose, by=by.name)
        else:
            if not code:
                _show_device(ask_second_step(record, clock, whose))
                code = typer.prompt("The code that it shows now", err=True)
            confirm_second_step(record, clock, whose, code)
        write_anchor(record, anchor_of(settings))
    if reset:
        console.say(
            f"{whose} signs in without a code now, and enrols again: cohort operators mfa {whose}"
        )
    else:
        console.say("Your sign-in takes a code from now on.")
        console.next_commands(f"cohort sign-in {whose}")


def _show_device(address: str) -> None:
    """On the screen alone: it is a secret."""
    import sys

    import segno

    console.say(
        "Scan this with an authenticator app, or type its address there. Show it to nobody."
    )
    if sys.stderr.isatty():
        segno.make(address, micro=False).terminal(out=sys.stderr, compact=True)
    console.say_plain(address)
