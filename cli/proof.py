"""Who sits at the keyboard, proven: for commands that decide, or that show old and new values."""

from __future__ import annotations

import getpass
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from clinic.errors import NotAllowed
    from clinic.govern.people.operators import Operator
    from clinic.record.database import Record
    from clinic.settings import Settings

Me = Annotated[
    str,
    typer.Option("--operator", metavar="NAME", help="Who you are; from the settings if not given."),
]
SecretFd = Annotated[
    int | None,
    typer.Option(
        "--password-fd",
        metavar="N",
        help="Read your password from this open file descriptor instead of asking for it. "
        "There is no option for the password itself: arguments can be seen by others.",
    ),
]


# Before anybody can be proven: an admin, and who may do what is asked for
FIRST_PEOPLE = (
    "cohort operators add NAME --role admin",
    "cohort operators add NAME --role manager --operator ADMIN",
)


def prove_me(
    record: Record, settings: Settings, me: str, secret_fd: int | None, *, anew: bool = False
) -> Operator:
    """
    The operator who signed in within the hour, or gives the right password, at the prompt or by descriptor.

    Args:
        anew: ask for the password in any case: who approves or changes passwords is at the keyboard now

    Raises:
        NotAllowed: name and password do not match, or nobody was added yet
    """
    from clinic.govern.people.operators import list_operators, prove

    if not list_operators(record):
        raise _nobody_yet()
    name = claimed(settings, me)
    if secret_fd is None and not anew:
        person = _signed_in(record, settings, name)
        if person is not None:
            return person
    return prove(record, name, ask_secret(f"Password of {name}", secret_fd))


def who_acts(record: Record, settings: Settings, me: str, secret_fd: int | None = None) -> str:
    """
    The name that goes on the trail: a registered one proven, else the account's own.

    Where nobody was added yet it is the name that was given, as on a first installation.

    Raises:
        NotAllowed: a registered name that is not proven, or a name that is nobody's
    """
    from clinic.errors import NotAllowed
    from clinic.govern.people.operators import list_operators, prove
    from clinic.settings.installation import account_name

    name, people = claimed(settings, me), {person.name for person in list_operators(record)}
    if not people:
        return name
    if name not in people:
        if name == account_name().strip().lower():
            return name
        raise NotAllowed(
            "operator-nobody",
            "the name given is neither an operator's nor this account's own; see: cohort operators list; "
            "then: cohort sign-in NAME",
        )
    person = _signed_in(record, settings, name) if secret_fd is None else None
    if person is None and secret_fd is None and not sys.stdin.isatty():
        raise NotAllowed(
            "sign-in-needed",
            f"whoever acts as {name} gives that person's password, once an hour: cohort sign-in {name}",
        )
    return (person or prove(record, name, ask_secret(f"Password of {name}", secret_fd))).name


def who_stops(record: Record, settings: Settings, me: str) -> str:
    """The same for what must never wait: who is not signed in stops in the account's name."""
    from clinic.govern.people.operators import list_operators
    from clinic.settings.installation import account_name

    name = claimed(settings, me)
    if not list_operators(record) or _signed_in(record, settings, name) is not None:
        return name
    return account_name()


def claimed(settings: Settings, me: str) -> str:
    """Whose name is said: by option, by signing in, by the settings; not proven yet."""
    from clinic.govern.people.sign_in import name_in

    return (me or name_in(settings.home) or settings.operator).strip().lower()


def is_signed_in(record: Record, settings: Settings, name: str) -> bool:
    """Whether this account acts as the person of this name."""
    return _signed_in(record, settings, name) is not None


def _signed_in(record: Record, settings: Settings, name: str) -> Operator | None:
    from clinic.clock import SystemClock
    from clinic.govern.people.sign_in import signed_in

    return signed_in(record, SystemClock(), settings.home, name)


def _nobody_yet() -> NotAllowed:
    from clinic.errors import NotAllowed

    return NotAllowed(
        "operator-unproven",
        "no operator was added yet; begin with: cohort operators add NAME --role admin",
    )


def ask_secret(
    prompt: str, descriptor: int | None, *, twice: bool = False, may_be_empty: bool = False
) -> str:
    """
    A password, typed unseen, or read from a file descriptor.

    Raises:
        NotAllowed: nothing can be read there, or nobody is there to type it
    """
    from clinic.errors import NotAllowed
    from clinic.govern.people.secrets import read_secret

    if descriptor is not None:
        return read_secret(descriptor)
    try:
        with warnings.catch_warnings():
            # Without a terminal Python would warn, and read what others see
            warnings.simplefilter("error", getpass.GetPassWarning)
            typed: str = typer.prompt(
                prompt, default="" if may_be_empty else None, show_default=False, hide_input=True,
                confirmation_prompt=twice, err=True,
            )  # fmt: skip
    except getpass.GetPassWarning:
        typer.echo(err=True)  # the question stands there already
        raise NotAllowed(
            "secret-unread",
            "there is no terminal to ask for a password at; in a script give it by an open file "
            "descriptor: --password-fd N, for a new one --new-password-fd N",
        ) from None
    return typed


def anchor_of(settings: Settings, path: Path | None = None) -> Path:
    """Where the anchor of the audit trail is kept: the file that is named, else this installation's."""
    from clinic.govern.audit.anchor import anchor_of as usual

    return path or usual(settings)
