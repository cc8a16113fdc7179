"""`cohort import`: what other systems know and the record does not."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import console
from cli.options import Json, MostShown
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import get_settings, open_record

if TYPE_CHECKING:
    from clinic.imports.result import Imported


def import_kind(
    kind: Annotated[Literal["consents"], typer.Argument(help="What the file has.")],
    file: Annotated[Path, typer.Argument(help="CSV, TSV, .xlsx, .xls or .ods.")],
    check: Annotated[
        bool, typer.Option("--check", help="Dry run: say what would change, and change nothing.")
    ] = False,
    limit: MostShown = 20,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Import opt-outs and consents from another system's export.

    A row is a decision (Decision, Channel, Purpose, Date), a consent code (Code, Date), or a patient with a
    column for each channel (SMS Consent, Email Declined …); columns are known by their headings, in any order.
    Opt-out wins on doubt: where its channel, purpose or date is not understood, it counts for all of them
    from now on; a consent that is not understood, or has no date, lifts nothing. The latest decision counts,
    so that a consent lifts only what is older. Run it again with each export: what is known changes nothing.

      cohort import consents opt-outs.csv --check
      cohort import consents opt-outs.csv

    Patients are imported by cohort patients import.
    """
    from clinic.clock import SystemClock
    from clinic.imports.consents_run import import_consents, open_consents

    settings = get_settings()
    with open_record(settings) as record:
        by, clock = who_acts(record, settings, me, secret_fd), SystemClock()
        with console.err().status(f"Importing {kind} …"):
            opened = open_consents(file)
            zone = settings.organisation.time_zone
            result = import_consents(record, clock, opened, zone=zone, by=by, check=check)
    if json:
        console.show_json(
            {
                "check": check,
                "rows": result.rows,
                "counts": dict(result.counts),
                "decisions": dict(result.also),
                "problems": result.problems,
                "unused": result.unused,
            }
        )
    else:
        _tell(result, limit, check=check)
    if not result.counts.keys() & {"noted", "widened", "unchanged"}:
        raise typer.Exit(2)
    if not json:
        again = f"cohort import {kind} {quote(str(file))}"
        console.next_commands(again if check else "cohort purposes")


def _tell(result: Imported, limit: int, *, check: bool) -> None:
    from clinic.imports.consents import SAYS

    rows = [(n, code, SAYS[code]) for code, n in result.counts.most_common()]
    title = "Consents, as they would be" if check else "Consents"
    heads = ["Rows", "Outcome", "What it means"]
    console.show_table(title, heads, [*rows, (result.rows, "rows in all", "")], right=(0,))
    if result.problems:
        shown = [(row, code, SAYS[code]) for row, code in result.problems[:limit]]
        title = f"Rows to look at, {len(shown):,} of {len(result.problems):,}"
        console.show_table(title, ["Row", "Outcome", "What to do"], shown, right=(0,))
    if result.unused:
        console.say(f"Columns not imported: {', '.join(result.unused)}.")
    out, lifted = result.also["opt_out"], result.also["opt_in"]
    verb = "would be" if check else "were"
    console.say(f"Opt-outs that {verb} noted: {out:,}; consents: {lifted:,}.")
