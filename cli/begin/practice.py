"""`cohort practice`: the end of an installation on this machine: moved to another one, or removed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli import console
from cli.proof import Me, SecretFd, prove_me
from cli.wiring import get_settings, open_record

if TYPE_CHECKING:
    from clinic.record.database import Record
    from clinic.removal.inventory import Inventory
    from clinic.settings import Settings

_SHOWN: Final = 50  # more files are rather others' with the same numbers

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Move this practice to another machine, or remove it from this one.",
)


@app.command()
def move(
    target: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The backup to be restored elsewhere; a new file."),
    ],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")] = "moved",
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Close this home for sending, end its worker, and write the backup that goes on elsewhere.

    On the other machine: cohort restore FILE. Campaigns that wait or run go on there once sending is allowed.
    """
    from clinic.backup.write import require_target, write_backup
    from clinic.clock import SystemClock
    from clinic.message.campaign.sending_stop import stop_moved
    from clinic.settings.read.file import settings_path
    from tasks.processes.watcher import stop_all, stop_watch
    from tasks.processes.workers import stop_worker

    settings, clock, config = get_settings(), SystemClock(), settings_path()
    require_target(target, clock.now())
    with open_record(settings) as record:
        by = _manager(record, settings, me, secret_fd, anew=False)
        stop_watch(settings)
        stop_worker(settings)  # what is in hand is finished and noted
        stop_moved(record, clock, by=by, reason=reason)
        _require_quiet(record)
    path = write_backup(settings, clock, target, config if config.exists() else None)
    stop_all(settings)
    console.say(f"Nothing is sent from here any more. The practice is in [bold]{path}[/].")
    console.say(f"On the other machine: cohort restore {path.name}")
    console.next_commands(f"cohort backup check {path}")


@app.command()
def remove(
    confirm: Annotated[
        str,
        typer.Option(
            "--confirm", metavar="NAME", help="The practice's name; asked for if not given."
        ),
    ] = "",
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Remove everything of this installation from this machine, and search for what is left of its patients.

    Record, key, audit trail, logs, notes and settings file are gone for good. Backups, exports and lists
    elsewhere are named and left: they are for you to keep or delete.
    """
    from clinic.removal.remove import remove as take_away
    from clinic.removal.remove import tables_left
    from clinic.settings.read.file import settings_path
    from tasks.processes import identity

    settings, config = get_settings(), settings_path().resolve()
    who = identity.known(settings)
    found = _ready(settings, confirm, me, secret_fd)
    left = _leave_prefect(settings, who)
    gone = take_away(
        settings, found.install_id if found else None, config if config.exists() else None
    )
    for what in gone:
        console.say(f"Removed: {what}")
    left += [f"table {name} in the database" for name in tables_left(settings)]
    left += _search(settings, found, config.parent)
    if left:
        console.say(f"[bold red]Left in place, for you to delete[/]: {len(left)}")
        for what in left[:_SHOWN]:
            console.say_plain(f"  {what}")
        if len(left) > _SHOWN:
            console.say(f"  … and {len(left) - _SHOWN:,} more")
        raise typer.Exit(4)
    console.say("Nothing of it was found in any file where it could be.")


def _ready(settings: Settings, confirm: str, me: str, secret_fd: int | None) -> Inventory | None:
    """Ask, stop everything, and know what there is; None: the record is gone already."""
    from clinic.clock import SystemClock
    from clinic.errors import NotSetUp
    from clinic.message.campaign.sending_stop import stop_by_person
    from clinic.removal.inventory import take_inventory

    clock = SystemClock()
    try:
        with open_record(settings) as record:
            by = _manager(record, settings, me, secret_fd, anew=True)
            found = take_inventory(record)
            console.say(
                f"[bold]{settings.organisation.name}[/]: {found.patients:,} patients, {found.messages:,} "
                f"messages, {found.open_campaigns:,} campaigns that have not ended. Home: "
                f"{settings.home.resolve()}"
            )
            _require_name(settings, confirm)
            _stop_processes(settings)
            stop_by_person(record, clock, by=by, reason="the practice is removed")
            _require_quiet(record)
            return found
    except NotSetUp:
        if not settings.home.exists():
            raise
        console.say("The record is gone already: the rest is removed.")
        _require_name(settings, confirm)
        _stop_processes(settings)
        return None


def _stop_processes(settings: Settings) -> None:
    from tasks.processes.server import stop_server
    from tasks.processes.watcher import stop_watch
    from tasks.processes.workers import stop_worker

    stop_watch(settings)
    stop_worker(settings)
    if not settings.prefect_api_url:
        stop_server(settings)


def _require_name(settings: Settings, confirm: str) -> None:
    from clinic.errors import NotAllowed

    name = settings.organisation.name
    typed = confirm or typer.prompt("Type the practice's name to remove all of it", err=True)
    if typed.strip() != name:
        raise NotAllowed(
            "practice-name",
            "that is not the practice's name as the settings have it: nothing was removed",
        )


def _require_quiet(record: Record) -> None:
    """Nobody sends now: in a terminal, or a worker of another machine."""
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed
    from clinic.removal.inventory import is_sending

    if is_sending(record, SystemClock().now()):
        raise NotAllowed(
            "practice-busy",
            "messages are being sent at this moment. Sending is stopped now: try again in a minute",
        )


def _manager(
    record: Record, settings: Settings, me: str, secret_fd: int | None, *, anew: bool
) -> str:
    """A proven manager; before there is any operator, whoever sits at the machine."""
    from clinic.errors import NotAllowed
    from clinic.govern.people.operators import list_operators
    from clinic.govern.people.roles import may

    if not list_operators(record):
        return me or settings.operator
    person = prove_me(record, settings, me, secret_fd, anew=anew)
    if not may(person.role, "approve", "campaign"):
        raise NotAllowed("practice-role", "a manager moves or removes a practice; nothing was done")
    return person.name


def _leave_prefect(settings: Settings, who: object) -> list[str]:
    """Take it off a server that others use too; what is left there."""
    from tasks.processes.environment import apply_environment
    from tasks.processes.identity import Installation
    from tasks.processes.server import server_status

    if not settings.prefect_api_url or not isinstance(who, Installation):
        return []
    if not server_status(settings).answers:
        return [
            f"work pool {who.pool} and what has the tag {who.tag} on {settings.prefect_api_url}"
        ]
    apply_environment(settings)
    from tasks.prefect.removal import leave_server

    counts = leave_server(who)
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    console.say(f"Removed from {settings.prefect_api_url}: {told}")
    return []


def _search(settings: Settings, found: Inventory | None, folder: Path) -> list[str]:
    """The files that still have something of it: beside the settings and the home, in notes and drafts."""
    import tempfile

    from clinic.removal.search import find_marks

    places = {
        folder,
        settings.home.resolve().parent,
        settings.notes_folder,
        Path(tempfile.gettempdir()),
    }
    return [str(path) for path in find_marks(places, found.marks if found else ())]
