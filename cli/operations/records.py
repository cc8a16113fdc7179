"""`cohort operations status|provider|facility|tag|attribute`: what changes patients' records."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from cli.operations import session
from cli.operations.options import Key, NoRun, Reason, Selection, Yes, told
from cli.operations.session import Asking
from cli.proof import Me, SecretFd

Tags = Annotated[list[str] | None, typer.Option(metavar="CODE", help="Repeatable.")]


def status(
    selection: Selection,
    to: Annotated[str, typer.Option(help="The new status: active, on_hold, discharged, …")],
    reason: Reason,
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Status change. A manager approves."""
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    told(session.request("status", selection, {"to": to}, how))


def provider(
    selection: Selection,
    reason: Reason,
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="A provider; repeatable. None: each facility's default."),
    ] = None,
    by: Annotated[
        Literal["even", "capacity"], typer.Option(help="How several share them.")
    ] = "even",
    visits: Annotated[
        Literal["reassign", "keep", "cancel"],
        typer.Option(help="Future visits: go along, stay, or are cancelled to be rebooked."),
    ] = "reassign",
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Provider reassignment. A manager approves."""
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    parameters: dict[str, Any] = {"to": to or [], "by": by, "visits": visits}
    told(session.request("provider", selection, parameters, how))


def facility(
    selection: Selection,
    to: Annotated[str, typer.Option(metavar="CODE", help="The destination.")],
    reason: Reason,
    provider: Annotated[
        Literal["keep", "default", "later"],
        typer.Option(help="Their provider: stays, becomes the destination's, or is chosen later."),
    ] = "keep",
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Facility transfer. A manager approves."""
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    told(session.request("facility", selection, {"to": to, "provider": provider}, how))


def tag(
    selection: Selection,
    reason: Reason,
    add: Tags = None,
    remove: Tags = None,
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Give tags, or take them away. A team lead approves."""
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    told(session.request("tag", selection, {"add": add or [], "remove": remove or []}, how))


def attribute(
    selection: Selection,
    field: Annotated[str, typer.Option(help="insurance_plan, postcode, email, title, sex, …")],
    reason: Reason,
    value: Annotated[str | None, typer.Option(help="The new value.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Remove the value.")] = False,
    was: Annotated[str | None, typer.Option(help="Only for those who have this now.")] = None,
    tidy: Annotated[
        bool, typer.Option("--tidy", help="Write what is there the usual way instead.")
    ] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Key = "",
    yes: Yes = False,
    no_run: NoRun = False,
) -> None:
    """Update one field: insurance, data clean-up. A manager approves."""
    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    if (value is not None) + clear + tidy != 1:
        from clinic.errors import OperationRefused

        raise OperationRefused(
            "value-missing",
            "say what to write: --value TEXT, --tidy to write what is there the usual way, or "
            "--clear to remove the value of everybody selected (exactly one of them)",
        )
    parameters: dict[str, Any] = {"field": field, "to": value, "was": was, "tidy": tidy}
    told(session.request("attribute", selection, parameters, how))
