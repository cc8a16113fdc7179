"""`cohort list add`: take a list in, thinned to what is needed; it is named by its number from then on."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.options import Json, Keep, ListName, Unasked
from cli.proof import Me, SecretFd
from cli.times import day


def add(
    file: Annotated[
        Path, typer.Argument(help="The list to import; its formats: cohort list check --help.")
    ],
    name: ListName = "",
    template: Annotated[
        str | None, typer.Option(help="The template it is for: what that prints is kept.")
    ] = None,
    keep: Keep = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            metavar="DAY", parser=day, help="Of what day it is, if nothing in it says so."
        ),
    ] = None,
    yes: Unasked = False,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Take a list in and say its number. Nothing is sent.

    Prefect's form, `cohort message --list` and everything else name it by that number. Kept is what identifies,
    reaches and checks patients, and what the template prints; for other columns: --keep.
    """
    from cli.keeping import asked_for, say_not_kept
    from cli.proof import who_acts
    from cli.wiring import get_settings, open_record
    from clinic.clock import SystemClock
    from clinic.cohort.as_of import dating_of
    from clinic.cohort.import_list import take_in_file
    from clinic.cohort.rows import get_list
    from clinic.message.intake.columns import keeping_for

    settings = get_settings()
    asked = asked_for(keep or (), yes=yes)
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        number = take_in_file(
            record, SystemClock(), file, request_key=f"added-{uuid.uuid4()}", name=name,
            scheme=settings.organisation.id_scheme, taken_by=by,
            dating=dating_of(settings, as_of.date() if as_of else None),
            keeping=keeping_for(record, template, None, asked),
        )  # fmt: skip
        with record.read() as connection:
            source = get_list(connection, number)
    if json:
        left = source.kept.left if source.kept else {}
        return console.show_json(
            {
                "list": number,
                "rows": source.rows,
                "not_kept": {source.columns[place]: count for place, count in left.items()},
            }
        )
    console.say(f"List {number}: {source.rows:,} rows.")
    say_not_kept(source.columns, source.kept)
    key = template or "KEY"
    console.next_commands(f"cohort message --list {number} --name NAME --template {key}")
