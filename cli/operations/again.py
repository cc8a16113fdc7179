"""`cohort operations undo|rerun|resume`: what is asked of an operation that is there."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import console
from cli.operations import session
from cli.operations.options import Key, NoRun, Number, Reason, Yes, told
from cli.operations.session import Asking
from cli.proof import Me, SecretFd
from cli.wiring import get_settings, open_record


def undo(
    operation: Number,
    reason: Reason,
    selection: Annotated[
        int | None, typer.Option(metavar="SELECTION", help="Only these patients.")
    ] = None,
    partly: Annotated[
        bool, typer.Option("--partly", help="Leave out whom a later operation changed too.")
    ] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """
    Put back what an operation changed, for all or for some. A manager approves.

    Patients changed since are left as they are and listed. An undo can be undone.
    """
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    told(session.request_undo_of(operation, how, selection_id=selection, partly=partly))


def rerun(
    operation: Number,
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Ask again for those of an operation who were locked, changed meanwhile, or failed."""
    told(session.request_rerun_of(operation, Asking("", me, secret_fd, key, yes, not no_run)))


def resume(operation: Number, me: Me = "", secret_fd: SecretFd = None) -> None:
    """Continue an operation that was only stored, or whose run was lost or stopped half way."""
    console.next_commands(*session.resume(operation, me, secret_fd))


def withdraw(operation: Number, me: Me = "", secret_fd: SecretFd = None) -> None:
    """Withdraw your own request before it has begun. Nothing is changed."""
    from cli.proof import anchor_of, prove_me
    from clinic.change.run.withdraw import withdraw as take_back
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor

    settings = get_settings()
    with open_record(settings) as record:
        person = prove_me(record, settings, me, secret_fd)
        take_back(record, SystemClock(), operation, by=person.name)
        write_anchor(record, anchor_of(settings))
    console.say(f"Operation {operation} is withdrawn. Nothing was changed.")
    console.next_commands(f"cohort operations rerun {operation}")
