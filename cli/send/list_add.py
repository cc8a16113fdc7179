"""`cohort list add`: take a list in, thinned to what is needed; it is named by its number from then on."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.options import Json, Keep, ListName, QuerySource, Unasked
from cli.proof import Me, SecretFd
from cli.times import day


def add(
    file: Annotated[
        Path | None,
        typer.Argument(help="The list to import; its formats: cohort list check --help."),
    ] = None,
    source: QuerySource = None,
    query: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Instead of a file: a query of a source, without .sql."),
    ] = None,
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
    from clinic.errors import CohortRefused
    from clinic.message.intake.columns import keeping_for

    settings, clock, key = get_settings(), SystemClock(), f"added-{uuid.uuid4()}"
    asked = asked_for(keep or (), yes=yes)
    if (file is None) == (query is None) or (query is None) != (source is None):
        raise CohortRefused(
            "request-invalid", "name a file, or a --query with its --source: one of them"
        )
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        if file is None:
            from clinic.sources.cohort import take_in_cohort

            number = take_in_cohort(
                record, clock, settings, source=source or "", query=query or "", request_key=key,
                name=name, taken_by=by, template=template, keep=asked,
            )  # fmt: skip
        else:
            number = take_in_file(
                record, clock, file, request_key=key, name=name,
                scheme=settings.organisation.id_scheme, taken_by=by,
                dating=dating_of(settings, as_of.date() if as_of else None),
                keeping=keeping_for(record, template, None, asked),
            )  # fmt: skip
        with record.read() as connection:
            made = get_list(connection, number)
    if json:
        left = made.kept.left if made.kept else {}
        return console.show_json(
            {
                "list": number,
                "rows": made.rows,
                "not_kept": {made.columns[place]: count for place, count in left.items()},
            }
        )
    console.say(f"List {number}: {made.rows:,} rows.")
    say_not_kept(made.columns, made.kept)
    key = template or "KEY"
    console.next_commands(f"cohort message --list {number} --name NAME --template {key}")
