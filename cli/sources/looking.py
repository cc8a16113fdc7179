"""What came from the sources, and what became of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from cli import console
from cli.options import Json
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.record.systems.sync_runs import SyncRun
    from clinic.settings import Settings


def status(json: Json = False) -> None:
    """The last import of each kind from each source: when, how many rows, what came of them, what to do."""
    from clinic.record.systems.sync_runs import last_runs

    settings = get_settings()
    with open_record(settings) as record, record.read() as connection:
        runs = last_runs(connection)
    if json:
        return console.show_json(
            {"sources": sorted(settings.sources), "runs": list(map(asdict, runs))}
        )
    show_runs(runs, settings)
    _say_what_is_not_asked({run.source for run in runs}, settings)
    console.next_commands("cohort sources check", "cohort sources sync")
    return None


def _say_what_is_not_asked(known: set[str], settings: Settings) -> None:
    """Checks that the settings switch off, and sources that are in them no more."""
    for name in sorted(settings.sources):
        if off := settings.sync.of(name).switched_off():
            console.say(f"[yellow]{name}[/]: by the settings nobody asks {'; '.join(off)}.")
    for name in sorted(known - settings.sources.keys()):
        console.say(
            f"[yellow]{name}[/] is not in the settings any more: what came from it stays as it was."
        )


def show_runs(runs: list[SyncRun], settings: Settings) -> None:
    """A table of imports, and below it what was left out and why some brought nothing."""
    from clinic.sources.source import LEFT_OUT

    show = LocalTime(settings).show
    rows = [
        (
            run.source,
            run.kind,
            run.state,
            show(run.begun_at),
            show(run.as_of) if run.as_of else "",
            "" if run.rows is None else run.rows,
            f"changes since {show(run.since)}" if run.since else "",
            ", ".join(f"{count:,} {code}" for code, count in run.counts.items() if count),
        )
        for run in runs
    ]
    if not rows:
        told = (
            "nothing was imported yet" if settings.sources else "no source is set ([sources.NAME])"
        )
        return console.say(f"{told.capitalize()}.")
    heads = ["Source", "Kind", "State", "Begun", "As of", "Rows", "Of", "Outcomes"]
    console.show_table("Imports from the sources, the last of each", heads, rows, right=(5,))
    for run in runs:
        if LEFT_OUT in run.origin:
            console.say(f"{run.source}, {run.kind}: {run.origin}.")
        if run.says:
            console.say(f"[yellow]{run.source}, {run.kind}[/]: {run.says.rstrip('.')}.")
        if run.accepted_by:
            console.say(f"{run.source}, {run.kind}: {run.accepted_by} lets the next import pass.")
    return None
