"""`cohort sign-in`, `cohort sign-out`: one's password given once, for an hour."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import console
from cli.proof import SecretFd, anchor_of, prove_me
from cli.wiring import LocalTime, get_settings, open_record

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Who you are; from the settings if not given.")
]


def sign_in(name: Name = "", secret_fd: SecretFd = None) -> None:
    """
    Give your password once: for an hour, commands of this account act as you and do not ask again.

    Who approves is still asked for the password. A new password, or disabling, ends it at once.
    """
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.people.sign_in import sign_in as act

    settings = get_settings()
    with open_record(settings) as record:
        person = prove_me(record, settings, name, secret_fd, anew=True)
        ends = act(record, SystemClock(), settings.home, person)
        write_anchor(record, anchor_of(settings))
    console.say(f"This account acts as {person.name} until {LocalTime(settings).show(ends)}.")
    console.next_commands("cohort sign-out")


def sign_out() -> None:
    """Sign out before the hour is over, for instance when somebody else uses this computer."""
    from clinic.clock import SystemClock
    from clinic.govern.people.sign_in import sign_out as act

    settings = get_settings()
    with open_record(settings) as record:
        name = act(record, SystemClock(), settings.home)
    console.say(f"{name} is signed out." if name else "Nobody was signed in here.")
