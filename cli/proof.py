"""Who sits at the keyboard, proven: before a command runs (cli/door/gate.py), and by what it then does."""

from __future__ import annotations

import getpass
import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@dataclass(frozen=True)
class _Here:
    """Who was proven for the command that runs; anew: by their password just now."""

    person: Operator
    anew: bool


_HERE: ContextVar[_Here | None] = ContextVar("who types this command", default=None)


@contextmanager
def here(person: Operator | None, *, anew: bool) -> Iterator[None]:
    """For the length of the block it is this person who acts (cli/door/gate.py)."""
    before = _HERE.set(_Here(person, anew) if person else None)
    try:
        yield
    finally:
        _HERE.reset(before)


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
    from clinic.govern.people.operators import list_operators

    if not list_operators(record):
        raise nobody_yet()
    name, known = claimed(settings, me), _HERE.get()
    if known is not None and known.person.name == name and (known.anew or not anew):
        return known.person
    return prove_now(record, settings, name, secret_fd, anew=anew)


def who_acts(record: Record, settings: Settings, me: str, secret_fd: int | None = None) -> str:
    """
    The name that goes on the trail: of a registered person, proven.

    Where nobody was added yet it is the name that was given, as on a first installation.

    Raises:
        NotAllowed: a name that is not proven, or that is nobody's
    """
    from clinic.govern.people.operators import list_operators

    if not list_operators(record):
        return claimed(settings, me)
    return prove_me(record, settings, me, secret_fd).name


def prove_now(
    record: Record, settings: Settings, name: str, secret_fd: int | None, *, anew: bool
) -> Operator:
    """
    The person of this name, proven: signed in, or by the password at the terminal or by descriptor.

    Raises:
        NotAllowed: it is nobody's name, nobody is there to be asked, or the password is not right
    """
    from clinic.errors import NotAllowed
    from clinic.govern.people.operators import list_operators, prove
    from clinic.govern.people.second_step import is_enrolled

    person = _signed_in(record, settings, name)
    if person is not None and not anew and secret_fd is None:
        return person
    with record.read() as connection:
        if person is None and is_enrolled(connection, name):
            raise NotAllowed(
                "sign-in-needed",
                f"{name} has a second step, whose code is asked for once an hour: cohort sign-in {name}",
            )
    # A name that is given with a password is judged with it: both are wrong, or neither
    if secret_fd is None and name not in {each.name for each in list_operators(record)}:
        raise NotAllowed(
            "operator-nobody",
            "the name given is no operator's; see: cohort operators list; then: cohort sign-in NAME",
        )
    if secret_fd is None and not anew and not sys.stdin.isatty():
        raise NotAllowed(
            "sign-in-needed",
            f"whoever acts or looks as {name} gives their password, once an hour: cohort sign-in {name}",
        )
    secret = ask_secret(f"Password of {name}", secret_fd)
    return prove(record, name, secret, signed_in=person is not None)


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
    from clinic.govern.sessions.terminal import name_in

    return (me or name_in(settings.home) or settings.operator).strip().lower()


def is_signed_in(record: Record, settings: Settings, name: str) -> bool:
    """Whether this account acts as the person of this name."""
    return _signed_in(record, settings, name) is not None


def _signed_in(record: Record, settings: Settings, name: str) -> Operator | None:
    from clinic.clock import SystemClock
    from clinic.govern.sessions.terminal import signed_in

    return signed_in(record, SystemClock(), settings.home, name)


def nobody_yet() -> NotAllowed:
    """Nobody can be proven where nobody was added."""
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
