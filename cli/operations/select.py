"""`cohort operations select`: whom the next operations concern."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.operations import choosing
from cli.operations.options import Json
from cli.proof import Me, SecretFd
from cli.times import day

if TYPE_CHECKING:
    from clinic.change.selection import Taken


def select(
    file: Annotated[
        Path | None,
        typer.Argument(help="A list with a column of ids: CSV, TSV, .xlsx, .xls, .ods."),
    ] = None,
    ids_from: Annotated[
        Path | None, typer.Option(help="Ids from a text file; - to paste them.")
    ] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Search names, ids and postcodes, and pick.")
    ] = None,
    pick: Annotated[str, typer.Option(help='Which of those found: "1,3", or all.')] = "",
    status: Annotated[str | None, typer.Option(help="Filter: of this status.")] = None,
    facility: Annotated[str | None, typer.Option(help="Filter: of this facility.")] = None,
    provider: Annotated[str | None, typer.Option(help="Filter: of this provider.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", parser=day, metavar="DAY", help="Filter: registered since."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--to", parser=day, metavar="DAY", help="Filter: registered until."),
    ] = None,
    me: Me = "",
    secret_fd: SecretFd = None,
    json: Json = False,
) -> None:
    """
    Select patients: by file, pasted ids, search, or filter (one of them). Changes nothing.

    Every row gets an outcome; the selection stays as it is now and is used by its number.
    """
    from clinic.cohort.filters import PatientFilter
    from clinic.errors import OperationRefused

    days = [day.date() if day else None for day in (since, until)]
    wanted = PatientFilter(status, facility, provider, *days)
    ways = [file, ids_from, search, wanted.criteria() or None]
    if sum(way is not None for way in ways) != 1:
        raise OperationRefused(
            "selection-how", "name one of: a file, --ids-from, --search, or a filter"
        )
    if json and search is not None and not pick:
        raise OperationRefused(
            "selection-how", "with --json say whom to pick: --pick all, or --pick 1,3"
        )
    by = choosing.who_selects(me, secret_fd)
    if file is not None:
        taken = choosing.select_given(choosing.ids_in_file(file), source="file", by=by, first_row=2)
    elif ids_from is not None:
        taken = choosing.select_given(choosing.ids_pasted(ids_from), source="ids", by=by)
    elif search is not None:
        taken = choosing.select_given(choosing.ids_picked(search, pick), source="pick", by=by)
    else:
        taken = choosing.select_filtered(wanted, by=by)
    _show_taken(taken, json=json)


def _show_taken(taken: Taken, *, json: bool) -> None:
    from clinic.change.outcomes import SAYS

    if json:
        return console.show_json(asdict(taken))
    rows = [(code, count, SAYS[code]) for code, count in sorted(taken.outcomes.items())]
    console.show_table(
        f"Selection {taken.id}", ["Outcome", "Rows", "What it means"], rows, right=(1,)
    )
    console.next_commands(f'cohort operations status {taken.id} --to … --reason "…"')
