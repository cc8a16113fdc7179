"""Import from the sources now; let be imported what a check stopped."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import Json
from cli.proof import Me, SecretFd, who_acts
from cli.sources.looking import show_runs
from cli.wiring import get_settings, governed, open_record

if TYPE_CHECKING:
    from clinic.clock import Clock
    from clinic.record.database import Record
    from clinic.settings import Settings
    from clinic.sources.syncing import Step


def sync(
    names: Annotated[
        list[str] | None, typer.Argument(help="Sources by their names; all if omitted.")
    ] = None,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Fetch, check and import now, without waiting for the night. Run it again: nothing changes.

    Exit code 2: something was not imported, and why.

      cohort sources sync emis
    """
    from clinic.clock import SystemClock
    from clinic.record.systems.sync_runs import IMPORTED, last_runs
    from clinic.sources.syncing import steps_of

    settings, clock = get_settings(), SystemClock()
    with open_record(settings) as record:
        settings = governed(record, settings)
        by = who_acts(record, settings, me, secret_fd)
        steps = steps_of(record, clock, settings, names or ())
        for step in steps:
            with console.err().status(f"Importing {step.kind} from {step.source} …"):
                _one(record, clock, settings, step, by)
        with record.read() as connection:
            asked = {(step.source, step.kind) for step in steps}
            runs = [run for run in last_runs(connection) if (run.source, run.kind) in asked]
    if json:
        console.show_json(list(map(asdict, runs)))
    else:
        show_runs(runs, settings)
    if any(run.state != IMPORTED for run in runs):
        raise typer.Exit(2)
    if not json:
        console.next_commands("cohort remind --days 2 --preview")


def _one(record: Record, clock: Clock, settings: Settings, step: Step, by: str) -> None:
    """A kind of a source; why it was not imported is noted with the run, which is shown."""
    from clinic.errors import MendableError
    from clinic.sources.staging import end_staging
    from clinic.sources.syncing import fetch, import_given
    from data_checks.sync.check import check_given

    try:
        given = fetch(record, clock, settings, step)
        try:
            check_given(record, clock, settings, given, by=by)
            import_given(record, clock, settings, given, by=by)
        finally:
            end_staging(given.folder)
    except MendableError:
        return


def accept(
    source: Annotated[str, typer.Argument(help="Its name in the settings.")],
    kind: Annotated[str, typer.Argument(help="appointments, consents, patients …")],
    reason: Annotated[str, typer.Option(help="How you know that it is right; kept.")],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Let the next import of this kind pass by what stopped the last one: once, within a day.

    Look first at what would change: cohort import KIND FILE --source NAME --check.

      cohort sources accept emis appointments --reason "the Monday clinic moved to Tuesday"
    """
    from clinic.clock import SystemClock
    from clinic.sources.accepting import accept_stopped

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        run = accept_stopped(record, SystemClock(), source, kind, reason, by=by)
    console.say(
        f"{by} lets {kind} from {source} pass, {run.rows or 0:,} rows when they were stopped."
    )
    console.next_commands(f"cohort sources sync {source}")
