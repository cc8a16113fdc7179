"""Who sits at the keyboard, proven: for commands that decide, or that show old and new values."""

from __future__ import annotations

import getpass
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from clinic.govern.operators import Operator
    from clinic.record.database import Record
    from clinic.settings import Settings

Me = Annotated[
    str,
    typer.Option("--operator", metavar="NAME", help="Who you are; from the settings if not given."),
]
SecretFd = Annotated[
    int | None,
    typer.Option(
        "--secret-fd",
        metavar="N",
        help="Read your secret from this open file descriptor instead of asking for it. "
        "There is no option for the secret itself: arguments can be seen by others.",
    ),
]


def prove_me(record: Record, settings: Settings, me: str, secret_fd: int | None) -> Operator:
    """
    The operator who gave the right secret, at the prompt or by file descriptor.

    Raises:
        NotAllowed: name and secret do not go together
    """
    from clinic.govern.operators import prove

    name = me or settings.operator
    return prove(record, name, ask_secret(f"Secret of {name}", secret_fd))


def ask_secret(
    prompt: str, descriptor: int | None, *, twice: bool = False, may_be_empty: bool = False
) -> str:
    """
    A secret, typed unseen, or read from a file descriptor.

    Raises:
        NotAllowed: nothing can be read there, or nobody is there to type it
    """
    from clinic.errors import NotAllowed
    from clinic.govern.secrets import read_secret

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
            "there is no terminal to ask for a secret at; in a script give it by an open file "
            "descriptor: --secret-fd N, for a new one --new-secret-fd N",
        ) from None
    return typed


def anchor_of(settings: Settings, path: Path | None = None) -> Path:
    """Where the anchor of the audit trail is kept: the file that is named, else this installation's."""
    from clinic.govern.anchor import anchor_of as usual

    return path or usual(settings)
