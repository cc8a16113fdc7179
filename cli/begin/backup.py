"""`cohort backup` and `cohort restore`: all of an installation in one file, and back again."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.erase.patients import erase_again
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.backup.companions import Laid
    from clinic.backup.manifest import Manifest
    from clinic.settings import Settings

_CHECK = "check"


def backup(
    target: Annotated[
        Path, typer.Argument(metavar="FILE", help="A new file, or a folder; or the word check.")
    ],
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="After check: the backup to look at.")
    ] = None,
) -> None:
    """
    Copy record, audit key, anchor, settings and the files that they name into one file, also while sending.

    The file holds patients' data and secrets: only you can read it; keep it where nobody else can.

    [bold]Examples[/]

      cohort backup /mnt/backups
        A file with the date in its name.

      cohort backup check /mnt/backups/cohort-20260302-020000.tar
        Whether it could be restored: every part, the record, its audit trail.
    """
    from clinic.backup.companions import given
    from clinic.backup.write import write_backup
    from clinic.clock import SystemClock
    from clinic.settings.read.file import settings_path

    if str(target) == _CHECK and file is not None:
        return _check(file)
    if file is not None:
        raise typer.BadParameter("name one file, or: cohort backup check FILE")
    config = settings_path()
    path = write_backup(get_settings(), SystemClock(), target, config if config.exists() else None)
    console.say(
        f"The backup is [bold]{path}[/]: patients' data and secrets, for your account alone."
    )
    if not config.exists():
        console.say("[yellow]No settings file is in it[/]: there is none.")
    if names := given():
        console.say(f"[yellow]Not in it[/], since the environment gives it: {', '.join(names)}.")
    console.next_commands(f"cohort backup check {path}")


def _check(file: Path) -> None:
    from clinic.backup.read import check_backup

    found = check_backup(file)
    of = found.manifest
    _note_checked(of)
    console.say(
        f"Taken {of.taken_at:%-d %b %Y %H:%M} UTC by Cohort {of.cohort}: a {of.database} record of version "
        f"{of.record_version}. Every part is what was written."
    )
    if found.rows is None:
        console.say("The audit trail is read after the restore: cohort audit verify.")
    else:
        console.say(f"Its audit trail is as it was written: {found.rows:,} rows.")


def _note_checked(manifest: Manifest) -> None:
    """In the record that it was made of, if that is here; elsewhere there is nothing to note."""
    from clinic.backup.noted import note_checked
    from clinic.errors import CohortError

    with contextlib.suppress(CohortError), open_record(get_settings()) as record:
        note_checked(record, manifest.taken_at, manifest.install_id)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of cohort backup.")],
    erased: Annotated[
        Path | None,
        typer.Option(
            help="erased.list of the lost home, or its copy: erased since is erased again."
        ),
    ] = None,
) -> None:
    """
    Put a backup back into an empty home and an empty database. Nothing is sent until a person allows it.

    Without a settings file here the backup's own is written. With one, that one counts: so the backup can
    be restored elsewhere, or into another database.
    """
    from clinic.backup.companions import Laid, lay, read_index
    from clinic.backup.manifest import SETTINGS
    from clinic.backup.read import unpacked
    from clinic.backup.restore import restore as put_back
    from clinic.clock import SystemClock
    from clinic.govern.audit.redacted import ERASED_LIST
    from clinic.settings.read.file import settings_path

    path, clock = settings_path(), SystemClock()
    with unpacked(file, path.resolve().parent) as (parts, manifest):
        wrote = not path.exists() and (parts / SETTINGS).exists()
        laid = lay(parts, path) if wrote else Laid(bring=read_index(parts).environment)
        try:
            settings = get_settings()
            put_back(settings, clock, parts, manifest)
        except BaseException:
            if wrote:
                path.unlink()
                for written in laid.written:
                    written.unlink()
            raise
    with open_record(settings) as record:
        erase_again(record, clock, settings.home, erased)
        if erased is not None:
            (settings.home / ERASED_LIST).write_bytes(erased.read_bytes())
    show = LocalTime(settings).show
    console.say(f"Everything is back, in {settings.home}" + (f" and {path}." if wrote else "."))
    if not wrote:
        console.say(f"The settings are those of {path}, not the backup's.")
    _tell_companions(laid)
    if _was_moved(settings):
        console.say(
            "[bold red]Nothing is sent yet.[/] This is a practice that moved: its old home was closed for "
            "sending before the backup, so nothing is missing. Make sure that it was not allowed there again."
        )
        return console.next_commands(
            "cohort audit verify",
            'cohort sending allow --reason "moved here"',
            "cohort server start",
            "cohort campaigns",
        )
    console.say(
        f"[bold red]Nothing is sent.[/] Between {show(manifest.taken_at)} and {show(clock.now())} messages may "
        "have been sent that this record does not know of. Ask your provider for its list of that time, then "
        "allow sending, and resume or cancel each campaign that is held."
    )
    console.next_commands(
        "cohort audit verify",
        "cohort sending status",
        'cohort sending allow --reason "what the provider says" --reminded-through DAY',
        "cohort campaigns",
        "cohort resume N",
    )


def _was_moved(settings: Settings) -> bool:
    from clinic.message.campaign.sending_stop import MOVED, sending

    with open_record(settings) as record:
        stopped = sending(record).stopped
    return stopped is not None and stopped.code == MOVED


def _tell_companions(laid: Laid) -> None:
    """Where the files are that the settings name, and what was in none."""
    for path in laid.written:
        console.say(f"What the settings named elsewhere is in {path}, and they name it there now.")
    for path in laid.there:
        console.say(f"{path} was here already, and is the one that counts: compare it.")
    if laid.bring:
        console.say(
            "[yellow]Not in the backup: bring these[/], which the environment gave: "
            + ", ".join(laid.bring)
            + "."
        )
