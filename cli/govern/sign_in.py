"""`cohort sign-in`, `cohort sign-out`: one's password given once, for an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.proof import SecretFd, anchor_of, ask_secret, claimed, nobody_yet
from cli.wiring import LocalTime, get_settings, open_record
from clinic.practice.leavers.arrival import end_if_dormant, policy_of, require_second_step

if TYPE_CHECKING:
    from clinic.govern.people.operators import Operator
    from clinic.record.database import Record

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Who you are; from the settings if not given.")
]


Code = Annotated[
    str,
    typer.Option(
        metavar="DIGITS",
        help="What your device shows now, if you have a second step; it serves once.",
    ),
]


def sign_in(name: Name = "", secret_fd: SecretFd = None, code: Code = "") -> None:
    """
    Give your password once: for an hour, commands of this account act and look as you and do not ask again.

    Whoever has a second step (cohort operators mfa) gives its code as well. Who approves is still asked for
    the password. A new password, or disabling, ends it at once.
    """
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.people.last_use import note_use
    from clinic.govern.sessions.terminal import sign_in as act

    settings, clock = get_settings(), SystemClock()
    with open_record(settings) as record:
        me, policy = claimed(settings, name), policy_of(record, settings)
        end_if_dormant(record, clock, me, policy.dormant_days)
        person = _prove(record, me, secret_fd, code)
        require_second_step(record, person, policy.mfa)
        ends = act(record, clock, settings.home, person)
        note_use(record, clock, person.name, signed_in=True)
        write_anchor(record, anchor_of(settings))
    console.say(f"This account acts as {person.name} until {LocalTime(settings).show(ends)}.")
    console.next_commands("cohort sign-out")


def _prove(record: Record, me: str, secret_fd: int | None, code: str) -> Operator:
    """By the password, and the code of whoever has a second step; which of them was wrong is not told."""
    from clinic.govern.people.operators import list_operators, prove
    from clinic.govern.people.second_step import is_enrolled

    if not list_operators(record):
        raise nobody_yet()
    secret = ask_secret(f"Password of {me}", secret_fd)
    with record.read() as connection:
        needs = is_enrolled(connection, me)
    if needs and not code:
        code = typer.prompt(f"Code that the device of {me} shows", err=True)
    return prove(record, me, secret, code=code)


def sign_out() -> None:
    """Sign out before the hour is over, for instance when somebody else uses this computer."""
    from clinic.clock import SystemClock
    from clinic.govern.sessions.terminal import sign_out as act

    settings = get_settings()
    with open_record(settings) as record:
        name = act(record, SystemClock(), settings.home)
    console.say(f"{name} is signed out." if name else "Nobody was signed in here.")
