"""`cohort operations select`: whom the next operations concern."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.operations import choosing
from cli.options import Json
from cli.proof import Me, SecretFd
from cli.times import day

if TYPE_CHECKING:
    from clinic.change.selection.selection import Taken

Codes = list[str] | None


def select(
    file: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files of ids, with a heading or of ids alone: CSV, TSV, .xlsx, .xls, .ods."
        ),
    ] = None,
    ids_from: Annotated[
        list[Path] | None, typer.Option(help="Ids from a text file; - to paste them. Repeatable.")
    ] = None,
    search: Annotated[
        Codes,
        typer.Option(metavar="TEXT", help="Search names, ids, postcodes, and pick. Repeatable."),
    ] = None,
    pick: Annotated[str, typer.Option(help='Which of those found: "1,3", or all.')] = "",
    group: Annotated[
        Codes, typer.Option(metavar="CODE", help="The members of a group. Repeatable.")
    ] = None,
    selection: Annotated[
        list[int] | None,
        typer.Option(metavar="NUMBER", help="Whom an earlier selection has. Repeatable."),
    ] = None,
    status: Annotated[Codes, typer.Option(help="Filter: of this status. Repeatable.")] = None,
    facility: Annotated[Codes, typer.Option(help="Filter: of this facility. Repeatable.")] = None,
    provider: Annotated[Codes, typer.Option(help="Filter: of this provider. Repeatable.")] = None,
    no_facility: Annotated[
        bool, typer.Option("--no-facility", help="Filter: of no facility (or of those named).")
    ] = False,
    no_provider: Annotated[
        bool, typer.Option("--no-provider", help="Filter: of no provider (or of those named).")
    ] = False,
    insurance_plan: Annotated[
        Codes, typer.Option(help="Filter: of this insurance plan. Repeatable.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", parser=day, metavar="DAY", help="Filter: registered since."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--to", parser=day, metavar="DAY", help="Filter: registered until."),
    ] = None,
    within: Annotated[
        Codes,
        typer.Option(metavar="CODE", help="Of ids: only this facility's patients. Repeatable."),
    ] = None,
    me: Me = "",
    secret_fd: SecretFd = None,
    json: Json = False,
) -> None:
    """
    Select patients: by files, pasted ids, searches, groups, a filter. Changes nothing.

    Several of them add up, each patient once. The filter's options must all match, of several values of
    one of them any. Every row gets an outcome; the selection stays as it is now and is used by its number.
    """
    from clinic.change.selection.choosing import of_group, of_selection
    from clinic.cohort.filters import PatientFilter
    from clinic.errors import OperationRefused

    if json and search and not pick:
        raise OperationRefused(
            "selection-how", "with --json say whom to pick: --pick all, or --pick 1,3"
        )
    if search and len(search) > 1 and pick and pick.strip().lower() != "all":
        raise OperationRefused(
            "selection-how",
            "numbers belong to one search: of several take --pick all, or leave it out",
        )
    without = [name for name, no in (("facility", no_facility), ("provider", no_provider)) if no]
    wanted = PatientFilter(
        status=status,
        facility=facility,
        provider=provider,
        registered_from=since.date() if since else None,
        registered_to=until.date() if until else None,
        insurance_plan=insurance_plan,
        without=tuple(without),
    )
    if not any((file, ids_from, search, group, selection, wanted.criteria())):
        raise OperationRefused(
            "selection-how",
            "say whom: a file, --ids-from, --search, --group, --selection, or a filter such as --status; "
            "several of them add up",
        )
    by = choosing.who_selects(me, secret_fd)
    parts = [
        *map(choosing.in_file, file or ()),
        *map(choosing.pasted, ids_from or ()),
        *(choosing.picked(text, pick, by=by) for text in search or ()),
        *map(of_group, group or ()),
        *map(of_selection, selection or ()),
    ]
    _show_taken(choosing.take_all(parts, wanted, within or [], by=by), json=json)


def _show_taken(taken: Taken, *, json: bool) -> None:
    from clinic.change.core.outcomes import SAYS, SELECTED
    from clinic.change.selection.selection_parts import part_name

    if json:
        return console.show_json(asdict(taken))
    if len(taken.parts) > 1:
        console.show_table(
            "Parts",
            ["", "Rows", "Selected", "Else"],
            [
                (
                    part_name(part.source, part.name),
                    part.rows,
                    part.outcomes.get(SELECTED, 0),
                    ", ".join(f"{n:,} {c}" for c, n in part.outcomes.items() if c != SELECTED),
                )
                for part in taken.parts
            ],
            right=(1, 2),
        )
    rows = [(code, count, SAYS[code]) for code, count in sorted(taken.outcomes.items())]
    console.show_table(
        f"Selection {taken.id}", ["Outcome", "Rows", "What it means"], rows, right=(1,)
    )
    left_out = taken.outcomes.keys() - {SELECTED}
    named = [f"cohort operations selection {taken.id} --not-selected"] if left_out else []
    console.next_commands(*named, f'cohort operations status {taken.id} --to … --reason "…"')
    return None
