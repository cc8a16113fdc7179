"""`cohort imports`: the imports that were made, and how one is put back."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import Json, MostShown, Newest, Unasked
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.imports.undo.runs import Run
    from clinic.imports.undo.undo import Undone

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="The imports that were made; put one back."
)
# What undoing did → how it is said
SAYS = {
    "put_back": "Values that are again what they were before.",
    "put_in_again": "Opt-outs and members of groups that are here again.",
    "deleted": "Rows that the import added, and that are gone.",
    "as_before": "Nothing was to do: put back already, or by hand.",
    "changed_since": "Left as they are: somebody changed them after the import.",
    "in_use": "Left as they are: something refers to them, such as a message to a patient.",
}


@app.callback()
def imports() -> None:
    """The imports that were made; put one back."""


@app.command("list")
def list_all(limit: Newest = 20, json: Json = False) -> None:
    """The newest imports: from where, by whom, what came of them; by counts alone."""
    from clinic.imports.undo.runs import list_runs

    settings = get_settings()
    with open_record(settings) as record:
        runs = list_runs(record, limit=limit)
    if json:
        return console.show_json([asdict(run) for run in runs])
    times = LocalTime(settings)
    rows = [_row(run, times) for run in runs]
    heads = ["Import", "Kind", "Source", "Begun", "By", "Rows", "State"]
    console.show_table("Imports", heads, rows, right=(0, 5))
    if any(run.values_gone_at for run in runs):
        console.say("Values gone: their time was over, and such an import cannot be put back.")
    # What is older than one that cannot be put back cannot be either, of the same kind
    over = {one.kind: one.id for one in reversed(runs) if one.values_gone_at}
    standing = [
        one.id
        for one in runs
        if one.changed and not one.undone_at and one.id > over.get(one.kind, 0)
    ]
    if standing:
        console.next_commands(f"cohort imports undo {standing[0]} --check")
    return None


def _row(run: Run, times: LocalTime) -> tuple[object, ...]:
    done = "done" if run.changed else "changed nothing"
    state = "put back" if run.undone_at else done if run.ended_at else "not ended"
    state += ", values gone" if run.values_gone_at else ""
    return (run.id, run.kind, run.source, times.show(run.began_at), run.began_by, run.rows, state)


@app.command()
def undo(
    number: Annotated[
        int, typer.Argument(metavar="IMPORT", help="Its number: cohort imports list.")
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Dry run: say what would be done, and do nothing.")
    ] = False,
    yes: Unasked = False,
    limit: MostShown = 20,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Put an import back: what it changed is as it was, what it added is gone.

    What somebody changed since, or what is in use, is left as it is, and listed by its number. Imports of one
    kind are put back from the newest on. Marks of safe contact, and needs, stay: they are lifted by a person.

      cohort imports undo 7 --check
    """
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed
    from clinic.imports.undo.runs import get_run
    from clinic.imports.undo.undo import undo_import

    settings = get_settings()
    with open_record(settings) as record:
        by, clock = who_acts(record, settings, me, secret_fd), SystemClock()
        run = get_run(record, number)
        if not check and not yes:
            _show(undo_import(record, clock, number, by=by, check=True), limit, check=True)
            question = f"Put import {number} of {run.kind} back?"
            if not (sys.stdin.isatty() and typer.confirm(question, default=False, err=True)):
                raise NotAllowed(
                    "not-confirmed", "nothing was put back; without being asked: --yes"
                )
        result = undo_import(record, clock, number, by=by, check=check)
    if json:
        return console.show_json({"check": check, "counts": result.counts, "left": result.left})
    _show(result, limit, check=check)
    if run.more:
        console.say(
            "It set marks of safe contact, or needs, besides: they stay, and a person lifts them."
        )
    console.next_commands(f"cohort imports undo {number}" if check else "cohort imports list")
    return None


def _show(result: Undone, limit: int, *, check: bool) -> None:
    rows = [(n, SAYS[name]) for name, n in result.counts.most_common() if n]
    title = "What would be done" if check else "Put back"
    console.show_table(title, ["Count", "What it means"], rows, right=(0,))
    if result.left:
        shown = [
            (table.replace("_", " "), key, SAYS[why]) for table, key, why in result.left[:limit]
        ]
        title = f"Left as they are, {len(shown):,} of {len(result.left):,}"
        console.show_table(title, ["What", "Number", "Why"], shown, right=(1,))
    if check:
        console.say("Dry run: nothing was changed.")
