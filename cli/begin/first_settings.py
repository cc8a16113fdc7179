"""What `cohort init` asks for and writes: in a terminal it asks, a script gets the usual."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import typer
from rich.markup import escape

from cli import console
from cli.hours import ALWAYS, TEXT_HOURS, VOICE_HOURS, read_hours
from clinic.errors import SettingsWrong

SCHEMES: Final = ("emis", "emis_wales", "systmone", "generic")
# Closed on the public holidays of this country, 25 December among them, where nobody says otherwise
COUNTRY: Final = "GB"
NOWHERE: Final = "none"

_QUESTIONS: Final = {
    "organisation.name": ("The practice's name, as patients know it", "The Practice"),
    "organisation.phone": ("Its telephone number, shown to patients", ""),
    "organisation.id_scheme": (f"Whose exports you use ({', '.join(SCHEMES)})", "generic"),
    "hours.country": (
        f"Closed on the public holidays of which country (GB, US, …; {NOWHERE}: open on all of them)",
        COUNTRY,
    ),
    "hours.text": (f"When may texts and e-mails be sent? (or: {ALWAYS})", TEXT_HOURS),
}


def ask_missing(given: Mapping[str, str], *, ask: bool) -> dict[str, str]:
    """What was given, and for the rest what a person answers; a script gets the usual hours and holidays."""
    answers = {key: value for key, value in given.items() if value}
    for key, (question, usual) in _QUESTIONS.items():
        if key not in answers and ask:
            answers[key] = _ask(key, question, usual)
    usual_of_a_script = {"hours.text": TEXT_HOURS, "hours.country": COUNTRY}
    return {**usual_of_a_script, "hours.voice": VOICE_HOURS, **answers}


def _ask(key: str, question: str, usual: str) -> str:
    """What a person answers; what makes no sense is said and asked again, before the next question."""
    while True:
        answer: str = typer.prompt(question, default=usual, err=True, show_default=bool(usual))
        try:
            as_settings({key: answer})
        except SettingsWrong as wrong:
            console.say(f"[yellow]{escape(wrong.says)}[/]")
        else:
            return answer


def as_settings(answers: Mapping[str, str]) -> dict[str, Any]:
    """
    Answers as the settings hold them.

    Raises:
        SettingsWrong: an answer makes no sense
    """
    values: dict[str, Any] = {key: value for key, value in answers.items() if value}
    for key in ("hours.text", "hours.voice"):
        if key in values:
            values[key] = read_hours(values[key])
    if "hours.country" in values:
        country = values["hours.country"].strip()
        if country.lower() == NOWHERE:  # "open on all of them", as the question says
            values["hours.christmas"] = True
        values["hours.country"] = "" if country.lower() == NOWHERE else country.upper()
    require_sense(values)
    return values


def require_sense(values: Mapping[str, Any]) -> None:
    """
    Refuse what cannot be, before anything is written.

    Raises:
        SettingsWrong: which setting, and what to write
    """
    from pydantic import ValidationError

    from clinic.settings import Settings
    from clinic.settings.faults import faults_of
    from clinic.values.calendar import calendar_of

    nested: dict[str, Any] = {}
    for name, value in values.items():
        section, _, last = name.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[last] = value
    try:
        settings = Settings.model_validate(nested)
    except ValidationError as error:
        faults = faults_of(error, Settings, lambda name: f"--{name[-1].replace('_', '-')}")
        raise SettingsWrong("settings", f"nothing was written: {'; '.join(faults)}") from None
    calendar_of(settings)
    if settings.record_url:
        _require_no_password(settings.database_url)
        _require_record(settings.database_url)


def _require_no_password(url: str) -> None:
    """What is typed stands in the history of commands, and in the list of processes while it runs."""
    from clinic.record.server.remote import has_password

    if has_password(url):
        raise SettingsWrong(
            "record-password",
            "nothing was written: a password is never an argument. Put the whole URL into a file for this "
            "account alone and name it (record_url_file), or leave the password out and set PGPASSWORD",
        )


def _require_record(url: str) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from clinic.record.database import Record

    try:
        record = Record.open(url)
        with record.read():
            pass
        record.close()
    except SQLAlchemyError as error:
        raise SettingsWrong(
            "record-url",
            f"nothing was written: the database of --record-url cannot be opened "
            f"({type(error).__name__}): check its host, name, user and password, and that it is there",
        ) from None


def at(values: Mapping[str, Any], dotted: str) -> Any:
    """A setting's value in a tree of them."""
    inner: Any = values
    for part in dotted.split("."):
        inner = inner[part]
    return inner


def say_written(path: Path, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
    """Show each setting that was written; `before`: what it was, where the file was there already."""
    from cli.begin.settings_file import as_toml

    for name, value in values.items():
        if name == "record_url":
            from sqlalchemy.engine import make_url

            value = make_url(value).render_as_string(hide_password=True)
        was = "" if before is None else f"  (it was {as_toml(before[name]) or 'not set'})"
        console.say_plain(f"  {name} = {as_toml(value)}{was}")
