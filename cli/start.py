"""`cohort init`: settings file, record database, template catalogue. Safe to run again."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli import console
from cli.hours import ALWAYS, TEXT_HOURS, VOICE_HOURS, hours_text, read_hours
from cli.wiring import close_home, get_settings

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
    text_hours: Annotated[
        str, typer.Option(help=f'When texts and e-mails may leave: "{TEXT_HOURS}", or {ALWAYS}.')
    ] = "",
    voice_hours: Annotated[
        str, typer.Option(help=f'When calls may be made; "{VOICE_HOURS}" if not given.')
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: the usual working hours.")
    ] = False,
) -> None:
    """
    Set this installation up: write cohort.toml, make the record database, fill the catalogue.

    Run again after an upgrade: it brings the database to the new version, and changes nothing else.
    An existing cohort.toml is left as it is. Working hours that are not given are asked for in a
    terminal; a script gets the usual ones. They are in the organisation's time zone.
    """
    path = Path(os.environ.get("COHORT_CONFIG", "cohort.toml"))
    is_new = not path.exists()
    chosen = {
        "organisation.name": name,
        "organisation.phone": phone,
        "organisation.id_scheme": id_scheme,
        "record_url": record_url,
    }
    if is_new:
        kept = {key: value for key, value in chosen.items() if value}
        asked = text_hours or _ask_hours(ask=sys.stdin.isatty() and not yes)
        hours = {"hours.text": asked, "hours.voice": voice_hours or VOICE_HOURS}
        write_settings(path, kept | {key: read_hours(text) for key, text in hours.items()})
        console.say(f"Settings written to [bold]{path}[/]: a comment each, read them once.")
    elif any((*chosen.values(), text_hours, voice_hours)):
        console.say(f"[yellow]{path} was there already and is left as it is[/]: change it there.")
    settings = get_settings()
    set_up(settings)
    console.say(f"The record is ready: {_safe_url(settings)}")
    _tell_hours(settings, path)
    console.next_commands(
        "cohort patients import patients.csv", "cohort templates list", "cohort message --help"
    )


def _ask_hours(*, ask: bool) -> str:
    if not ask:
        return TEXT_HOURS
    answer: str = typer.prompt(
        f"When may texts and e-mails leave? (or: {ALWAYS})", default=TEXT_HOURS, err=True
    )
    return answer


def _tell_hours(settings: Settings, path: Path) -> None:
    hours, zone = settings.hours, settings.organisation.time_zone
    holidays = f", not on holidays of {hours.country}" if hours.country else ""
    console.say(f"Texts and e-mails leave {hours_text(hours.text)}{holidays} ({zone}).")
    console.say(f"Calls are made {hours_text(hours.voice)}. To change it: \\[hours] in {path}")


def write_settings(path: Path, chosen: dict[str, Any]) -> bool:
    """Write the settings file unless there is one; whether it was written."""
    from cli.profile import settings_file

    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(settings_file(chosen), encoding="utf-8")
    path.chmod(0o600)  # it may come to hold passwords
    return True


def set_up(settings: Settings) -> None:
    """Make or update the record and the catalogue. Again: nothing."""
    from clinic.clock import SystemClock
    from clinic.govern.audit_key import unlock
    from clinic.govern.governed import take_first_values
    from clinic.message.catalogue import seed_catalogue
    from clinic.message.vendor_templates import TEMPLATES
    from clinic.message.witness import register
    from clinic.record.database import Record, require_durable
    from clinic.record.installation import install
    from clinic.record.migrate import migrate
    from clinic.record.private import close_folder

    # Patients' data is in here: for the account that runs Cohort, and nobody else
    close_home(settings)
    close_folder(settings.home)
    record = Record.open(settings.database_url)
    try:
        migrate(record)
        require_durable(record)
        install(record, SystemClock())
        unlock(record, settings.home)
        register(record, settings.home)
        take_first_values(record, SystemClock(), settings, by=settings.operator)
        seed_catalogue(record, SystemClock(), TEMPLATES)
    finally:
        record.close()


def _safe_url(settings: Settings) -> str:
    from sqlalchemy.engine import make_url

    return make_url(settings.database_url).render_as_string(hide_password=True)
