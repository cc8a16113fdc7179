"""`cohort init`: settings file, record database, template catalogue. Safe to run again."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli import console
from cli.begin.first_settings import NOWHERE, as_settings, ask_missing, at, say_written
from cli.hours import ALWAYS, TEXT_HOURS, VOICE_HOURS, hours_text
from cli.proof import Me, who_stops
from cli.wiring import close_home, get_settings, governed, open_record
from clinic.errors import NotAllowed, NotSetUp, RecordUnsafe
from clinic.record.private import open_private
from clinic.settings.read.file import settings_path

if TYPE_CHECKING:
    from clinic.settings import Settings

Scheme = Literal["emis", "emis_wales", "systmone", "generic"]


def init(
    name: Annotated[str, typer.Option(help="The practice's name, as patients know it.")] = "",
    phone: Annotated[str, typer.Option(help="Its telephone number, for templates.")] = "",
    id_scheme: Annotated[
        Scheme | None, typer.Option(help="Whose exports you use: which columns a list must have.")
    ] = None,
    record_url: Annotated[
        str, typer.Option(help="A PostgreSQL database; SQLite in the home if not named.")
    ] = "",
    country: Annotated[
        str,
        typer.Option(
            help=f"Closed on its public holidays: GB, US; {NOWHERE}: open on all of them."
        ),
    ] = "",
    subdivision: Annotated[
        str, typer.Option(help="Part of the country: ENG, WLS, SCT, NIR, CA.")
    ] = "",
    text_hours: Annotated[
        str, typer.Option(help=f'When texts and e-mails may be sent: "{TEXT_HOURS}", or {ALWAYS}.')
    ] = "",
    voice_hours: Annotated[
        str, typer.Option(help=f'When calls may be made; "{VOICE_HOURS}" if not given.')
    ] = "",
    me: Me = "",
    join: Annotated[
        bool, typer.Option("--join", help="This machine joins others that work with the record.")
    ] = False,
    restored: Annotated[
        bool,
        typer.Option(
            "--restored",
            help="The record was restored or copied: send nothing until somebody says what was sent.",
        ),
    ] = False,
    no_copy: Annotated[
        bool,
        typer.Option("--no-copy", help="Keep no copy of a record that a new version changes."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: the usual working hours and holidays.")
    ] = False,
) -> None:
    """
    Set this installation up: write cohort.toml, make the record database, fill the catalogue.

    In a terminal it asks for what is missing; a script gets the usual working hours, and is closed on
    the public holidays of the United Kingdom, 25 December among them. It shows what it wrote.

    Run again, it changes only what is given and says what it changed, and brings the database to the
    version of the program. What two people must change is asked for: cohort settings ask.
    """
    path = settings_path()
    given = {
        "organisation.name": name,
        "organisation.phone": phone,
        "organisation.id_scheme": id_scheme or "",
        "record_url": record_url,
        "operator": me,
        "hours.country": country,
        "hours.subdivision": subdivision,
        "hours.text": text_hours,
        "hours.voice": voice_hours,
    }
    if not path.exists():
        values = as_settings(ask_missing(given, ask=sys.stdin.isatty() and not yes))
        write_settings(path, values)
        console.say(f"Settings written to [bold]{path}[/]: a comment each, read them once.")
        say_written(path, values, None)
    elif values := as_settings({key: value for key, value in given.items() if value}):
        change_settings(path, values)
    settings = get_settings()
    people, stop = set_up(settings, join=join, restored=restored, copy=not no_copy)
    console.say(f"The record is ready: {_safe_url(settings)}")
    with open_record(settings) as record:
        settings = governed(record, settings)
    _tell_hours(settings, path)
    if stop is not None:
        console.say("[bold red]Nothing is sent[/] until somebody says what was sent before.")
        return console.next_commands("cohort sending status")
    if not people:
        console.say(
            "Nobody was added yet: whoever has this account looks and acts in any name. "
            "Add the first admin before patients come in."
        )
    first = () if people else ("cohort operators add",)
    console.next_commands(
        *first,
        "cohort patients import patients.csv",
        "cohort templates list",
        "cohort message --help",
    )


def change_settings(path: Path, values: dict[str, Any]) -> None:
    """
    Change what is given in a settings file that is there, and say what it was.

    Raises:
        SettingsWrong: only a person can change it there, or two people in the record
    """
    from cli.begin.settings_file import changed_file
    from clinic.govern.rules.governed import GOVERNED, held_values
    from clinic.settings.read.file import read_settings_file

    before = get_settings().model_dump(mode="json")
    file = read_settings_file()
    try:
        with open_record(get_settings()) as record, record.read() as connection:
            held = held_values(connection)
    except (NotSetUp, RecordUnsafe):
        held = {}  # no record yet: the file is what counts
    now = {name: at(before, name) for name in values} | {n: held[n] for n in values if n in held}
    changed = {name: value for name, value in values.items() if now[name] != value}
    if by_two := [name for name in changed if name in held and name in GOVERNED]:
        raise NotAllowed(
            "setting-governed",
            f"nothing was changed: {', '.join(by_two)} is in the record, where two people change it: "
            f"cohort settings ask {by_two[0]} VALUE --reason WHY",
        )
    if not changed:
        return console.say(f"{path} has all that already: nothing was changed.")
    _put(path, changed_file(file.text, changed))
    console.say(f"Changed in [bold]{path}[/]:")
    say_written(path, changed, now)


def _tell_hours(settings: Settings, path: Path) -> None:
    hours, zone = settings.hours, settings.organisation.time_zone
    holidays = f", not on holidays of {hours.country}" if hours.country else ""
    console.say(f"Texts and e-mails are sent {hours_text(hours.text)}{holidays} ({zone}).")
    console.say(f"Calls are made {hours_text(hours.voice)}.")
    if not hours.country and not hours.closed:
        which = "25 December among them" if hours.christmas else "but not on 25 December"
        console.say(f"[yellow]Open on public holidays too[/], {which}.")
    console.say(
        'To change it: cohort settings ask hours.text "mon-fri 08:00-18:00" --reason "…", or hours.country GB'
    )


def write_settings(path: Path, chosen: dict[str, Any]) -> bool:
    """Write the settings file unless there is one; whether it was written."""
    from cli.begin.settings_file import settings_file

    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    _put(path, settings_file(chosen))
    return True


def _put(path: Path, text: str) -> None:
    """The whole of it or nothing, and its owner's alone: it may come to hold passwords."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open_private(draft, encoding="utf-8") as out:
        out.write(text)
    draft.replace(path)


def set_up(
    settings: Settings, *, join: bool = False, restored: bool = False, copy: bool = True
) -> tuple[bool, str | None]:
    """
    Make or update the record and the catalogue. Again: nothing.

    Whether somebody works here already, and why nothing may be sent; None: it may.

    Args:
        join: this machine works with a record that others work with already
        restored: the record was restored or copied: nothing is sent until a person says what was sent
        copy: keep a copy of a record that is migrated

    Raises:
        RecordUnsafe: messages were sent from the record, and this home never worked with it
    """
    from clinic.ask.shipped import shipped
    from clinic.ask.versions import seed_questionnaires
    from clinic.backup.upgrade import copy_before
    from clinic.clock import SystemClock
    from clinic.govern.audit.key import unlock
    from clinic.govern.rules.governed import take_first_values
    from clinic.govern.rules.setting_changes import anybody
    from clinic.message.sending.restore_guard import (
        hold_as_restored,
        hold_if_restored,
        home_of,
        register,
    )
    from clinic.message.template.catalogue import seed_catalogue
    from clinic.message.template.vendor_templates import TEMPLATES
    from clinic.record.database import Record, require_durable
    from clinic.record.installation import install
    from clinic.record.migrate import migrate
    from clinic.record.private import close_folder
    from clinic.record.version import current, found_version, require_known

    # Patients' data is in here: for the account that runs Cohort, and nobody else
    close_home(settings)
    close_folder(settings.home)
    record = Record.open(settings.database_url)
    try:
        version = found_version(record)
        require_known(version)
        if version not in (None, current()):
            _end_old(settings)
        if copy:
            _say_copied(copy_before(record, settings, SystemClock()))
        migrate(record)
        require_durable(record)
        install(record, SystemClock())
        unlock(record, settings.home)
        home, clock = home_of(settings), SystemClock()
        if restored:
            hold_as_restored(record, clock, home)
        elif join:
            register(record, home)
        stop = hold_if_restored(record, clock, home)
        take_first_values(record, clock, settings, by=who_stops(record, settings, ""))
        seed_catalogue(record, clock, TEMPLATES)
        seed_questionnaires(record, clock, shipped())
        with record.read() as connection:
            return anybody(connection), stop
    finally:
        record.close()


def _end_old(settings: Settings) -> None:
    """End the processes of the earlier program: they would go on with a record that is no more theirs."""
    from tasks.processes.watcher import stop_all

    if stop_all(settings):
        console.say(
            "Worker and server of the earlier version have ended, and what they sent is noted: "
            "[bold]cohort server start[/] starts those of this one."
        )


def _say_copied(path: Path | None) -> None:
    if path is not None:
        console.say(f"The record as it was before this version is kept: {path}")


def _safe_url(settings: Settings) -> str:
    from sqlalchemy.engine import make_url

    return make_url(settings.database_url).render_as_string(hide_password=True)
