"""`cohort settings`: what is in force, where it comes from, and how what is governed is changed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from cli import console
from cli.options import Json
from cli.proof import Me, SecretFd, anchor_of, prove_me
from cli.wiring import open_record

if TYPE_CHECKING:
    from clinic.settings import Loaded

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode="rich",
    help="""
    Every setting in force, and where its value comes from: default, file and line, environment, record.

      cohort settings check FILE

    says everything that is wrong with a settings file, before it is used.

    What the record governs (approval, caps, hours, halt) is changed by two people:

      cohort settings ask release.approval_above 200 --reason "second site"

      cohort approve NUMBER          the other person
    """,
)


@app.callback()
def show(context: typer.Context, json: Json = False) -> None:
    """Every setting in force, and where its value comes from."""
    if context.invoked_subcommand is not None:
        return
    from clinic.settings import read_settings

    loaded = read_settings()
    rows = _rows(loaded)
    if json:
        return console.show_json(rows)
    console.show_table(
        "Settings",
        ["Setting", "Value", "From", "Instead of"],
        [(row["setting"], row["value"], row["from"], row["ignored"]) for row in rows],
    )
    console.next_commands('cohort settings ask SETTING VALUE --reason "why"', "cohort approvals")


def _rows(loaded: Loaded) -> list[dict[str, Any]]:
    from clinic.settings import Settings
    from clinic.settings.section import settings_in

    held, rows = _held(loaded), []
    for name, field in settings_in(Settings):
        source, place = loaded.source(name)
        value = _shown(loaded, name, secret="Secret" in str(field.annotation))
        row = {"setting": name, "value": value, "from": place or source, "ignored": ""}
        if name in held:
            mine = _text(held[name])
            ignored = f"{value} ({place})" if place and value != mine else ""
            row |= {"value": mine, "from": "record", "ignored": ignored}
        rows.append(row)
    return rows


def _held(loaded: Loaded) -> dict[str, Any]:
    """What the record governs; nothing where there is no record yet."""
    from clinic.errors import NotSetUp, RecordUnsafe
    from clinic.govern.rules.governed import held_values

    try:
        with open_record(loaded.settings) as record, record.read() as connection:
            return held_values(connection)
    except (NotSetUp, RecordUnsafe) as problem:
        console.say(f"[yellow]The record is not there to ask[/]: {problem.says}")
        return {}


def _shown(loaded: Loaded, name: str, *, secret: bool) -> str:
    held: Any = loaded.settings
    *sections, last = name.split(".")
    for section in sections:
        held = getattr(held, section)
    value = held.model_dump(mode="json")[last]
    if name in ("sources", "gateways"):  # of each what is set: the others have their defaults
        value = {
            key: one.model_dump(mode="json", exclude_unset=True)
            for key, one in getattr(held, name).items()
        }
    if secret:
        return "(set, not shown)" if value else ""
    return _without_logins(_text(value)) if last.endswith(("_url", "gateways")) else _text(value)


def _without_logins(text: str) -> str:
    """Addresses without the passwords in them."""
    import re

    return re.sub(r"(://[^/@\s]*?):[^/@\s]+@", r"\1:***@", text)


def _text(value: Any) -> str:
    from clinic.govern.rules.governed import as_text

    return value if isinstance(value, str) else "" if value is None else as_text(value)


@app.command()
def check(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A settings file; this one's own if none."),
    ] = None,
    json: Json = False,
) -> None:
    """
    Everything that is wrong with a settings file, at once. Nothing is run, asked or changed.

    The files that it extends, those that hold its secrets and the environment are read with it. Exit code 2
    if anything is wrong.
    """
    from clinic.health.settings_check import check_settings

    faults, remarks = check_settings(file)
    if json:
        console.show_json({"faults": [asdict(f) for f in faults], "remarks": remarks})
    else:
        for fault in faults:
            console.say(f"[bold red]{escape(fault.code)}[/]: {escape(fault.says)}")
        for remark in remarks:
            console.say(f"[yellow]Note[/]: {escape(remark)}")
        wrong = (
            f"{len(faults)} to be put right." if faults else "Nothing is wrong with the settings."
        )
        console.say(f"{wrong} Nothing was run.")
    if faults:
        raise typer.Exit(2)


@app.command()
def ask(
    setting: Annotated[str, typer.Argument(help="Its name: release.approval_above")],
    value: Annotated[
        str, typer.Argument(help='Its new value; hours as "mon-fri 08:00-20:00"; none for nothing.')
    ],
    reason: Annotated[str, typer.Option(help="Why; who approves reads it.")],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Ask for another value of a setting that the record governs. Another person approves it."""
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.rules.governed import in_force
    from clinic.govern.rules.setting_changes import anybody, ask_change, require_governed
    from clinic.settings import load_settings

    settings = load_settings()
    require_governed(setting)
    wanted = _read(setting, value)
    with open_record(settings) as record:
        with record.read() as connection:
            known = anybody(connection)
        by = prove_me(record, settings, me, secret_fd) if known else None
        now = in_force(record, settings).settings
        number = ask_change(
            record, SystemClock(), now, name=setting, value=wanted, by=by, reason=reason
        )
        write_anchor(record, anchor_of(settings))
    if number is None:
        console.say(f"{setting} is changed. Nobody works here yet who could approve it.")
        return console.next_commands("cohort operators add NAME --role admin", "cohort settings")
    console.say(f"Request {number}: {setting} stays as it is until another person approves it.")
    console.next_commands(f"cohort approvals show {number}", f"cohort approve {number}")


def _read(setting: str, text: str) -> Any:
    """A value as people type it: hours in words, JSON, or a text."""
    import json

    from cli.hours import read_hours

    if setting in ("hours.text", "hours.voice") and not text.lstrip().startswith("{"):
        return read_hours(text)
    if text.strip().lower() in ("none", ""):
        return "" if setting in ("hours.country", "hours.subdivision") else None
    try:
        return json.loads(text)
    except ValueError:
        return text
