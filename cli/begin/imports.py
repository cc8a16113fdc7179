"""`cohort import`: what other systems know and the record does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli import console
from cli.options import Json, MostShown
from cli.proof import Me, SecretFd, who_acts
from cli.sources.again import typed_again
from cli.times import day
from cli.wiring import get_settings, open_record

if TYPE_CHECKING:
    from clinic.cohort.files import ListFile
    from clinic.imports.options import Complete
    from clinic.imports.patients.run import PatientsImported
    from clinic.imports.result import Imported
    from clinic.settings import Settings, SourceFormat

MOST_PLACES = 10
Kind = Literal[
    "patients", "facilities", "providers", "appointments", "consents", "groups", "diagnoses",
    "medications", "allergies",
]  # fmt: skip
# Besides the counts of rows: how it is said, by kind
_ALSO = {
    "opt_out": "Opt-outs noted: {:,}.",
    "opt_in": "Consents noted: {:,}.",
    "taken_back": "Consents taken back since they have an end, or have ended: {:,}.",
    "withdrawn": "Opt-outs withdrawn since the source has them no more: {:,}.",
    "given_to_another": "Appointments cancelled since their slot is another patient's now: {:,}.",
    "moved_away": "Appointments cancelled so, of patients who are booked again in this file: {:,}.",
    "no_longer_there": "Appointments cancelled since the source has them no more: {:,}.",
    "provider_unknown": "Rows whose provider is not here: {:,}. Add it: cohort places provider.",
    "facility_unknown": "Rows whose facility is not here: {:,}. Add it: cohort places facility.",
    "hour_repeated": "Times in the hour that the clock shows twice, read as the first: {:,}.",
    "length_unclear": "Lengths that are not whole minutes, and are left as they were: {:,}.",
    "type_too_long": "Types longer than 80 characters, which are left as they were: {:,}.",
    "no_contact": "Patients whom the file marks, contacted by no channel: {:,}.",
    "opted_out": "Opt-outs noted: {:,}.",
    "national_opt_out": "National Data Opt-outs noted: {:,}. They bind research exports alone.",
    "birth_date_partial": "Dates of birth without a day, which are left as they were: {:,}.",
    "status_unclear": "Patients' statuses that are not known words, and are left as they were: {:,}.",
    "channel_unclear": "Preferred ways of contact that are not known words, and are left as they were: {:,}.",
    "closing_unclear": "Cells on being closed, open or gone that cannot be read, and change nothing: {:,}.",
    "day_unclear": "Days of registration or leaving that cannot be read or are to come, and are left: {:,}.",
    "number_of_another": "Mobile numbers that are somebody else's, as a remark says, and are left out: {:,}.",
    "default_provider_unknown": "Rows whose default provider is not here: {:,}. Import providers first.",
    "groups_made": "Groups that were made: {:,}.",
    "mode_unclear": "Ways of contact that are not known words, and are left as they were: {:,}.",
    "slot_blocked": "Slots that are blocked and have a patient all the same, who is booked: {:,}.",
    "day_masked": "Days that systems write for 'not known', as 1900-01-01, read as empty: {:,}.",
}

_OF_PATIENTS = "cohort message --status active --name NAME --template KEY"
_NEXT = {
    "consents": "cohort purposes",
    "appointments": "cohort remind --days 2 --preview",
    "facilities": "cohort places list",
    "providers": "cohort places list",
    "groups": "cohort groups list",
}


def import_kind(
    ctx: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="What the file has.")],
    file: Annotated[Path, typer.Argument(help="CSV, TSV, .xlsx, .xls, .ods or Parquet.")],
    check: Annotated[
        bool, typer.Option("--check", help="Dry run: say what would change, and change nothing.")
    ] = False,
    source: Annotated[
        str,
        typer.Option(
            help="Whose ids the appointments have: one name for one system, always the same."
        ),
    ] = "file",
    complete_from: Annotated[
        datetime | None,
        typer.Option(
            metavar="DAY",
            parser=day,
            help="From this day on the file has all appointments: what the record has more of is cancelled.",
        ),
    ] = None,
    complete_to: Annotated[
        datetime | None,
        typer.Option(metavar="DAY", parser=day, help="The last day of which it has all."),
    ] = None,
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="consents: the file has all opt-outs of this source: those that it lacks are withdrawn.",
        ),
    ] = False,
    most_gone: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share that may be cancelled or withdrawn for not being there; as set if not given.",
        ),
    ] = None,
    layout: Annotated[
        Literal["emis-bulk", "systmone-bulk", "synthea", "omop"] | None,
        typer.Option(help="Whose extract it is; as the source's settings say if not given."),
    ] = None,
    limit: MostShown = 20,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Import patients, appointments, opt-outs and more from another system's export.

    Columns are known by their headings, in any order: docs/data.md has each of them. Run it again with each
    export: what is known changes nothing. Try it first with --check.

    consents: opt-out wins on doubt; where its channel, purpose or date is not understood, it counts for all of
    them from now on; a consent that is not understood, or has no date, lifts nothing.
    appointments: new ones are added, moved and cancelled ones brought up to date by their id. A slot that came
    back empty, or with another patient, cancels the first one's. A status that is missing or not known is never
    taken for booked. Nothing is cancelled for not being in the file, but in the days of --complete-from and
    --complete-to.

      cohort import consents opt-outs.csv --check
      cohort import appointments slots.csv --complete-from 2026-03-02 --complete-to 2026-03-08

    facilities, providers: known by their code; a manager imports them. groups: a row a member.
    diagnoses, medications, allergies: known by patient, code and the day on which they began.
    """  # fmt: skip
    from clinic.clock import SystemClock
    from clinic.collector import collect_seldom
    from clinic.errors import CohortRefused
    from clinic.imports.kinds import KINDS, open_file, run_import
    from clinic.imports.layouts import with_layout
    from clinic.imports.options import Options, most_share
    from clinic.imports.patients.run import PatientsImported
    from clinic.settings import SourceFormat
    from clinic.sources.syncing import import_by_hand

    settings = get_settings()
    if not 1 <= len(source.strip()) <= 40:
        raise CohortRefused("request-invalid", "--source is a name of 1 to 40 characters")
    how = settings.sources.get(source) or SourceFormat()
    if layout:
        how = with_layout(how, layout)
    most = most_share(how, settings.imports.most_gone, most_gone)
    all_of = _complete(kind, complete_from, complete_to, most, whole=complete)
    if all_of is None and source in settings.sources and settings.sources[source].type == "by_hand":
        all_of = _as_set(kind, file, how, settings)
    with open_record(settings) as record:
        options = Options(
            by=who_acts(record, settings, me, secret_fd), source=source,
            zone=settings.organisation.time_zone, codes=settings.organisation.codes, how=how,
            complete=all_of, check=check, statuses=settings.organisation.statuses,
        )  # fmt: skip
        collect_seldom()
        with console.err().status(f"Importing {kind} …"):
            opened = open_file(kind, file, how, scheme=settings.organisation.id_scheme)
            if source in settings.sources and not check:
                result = import_by_hand(record, SystemClock(), kind, opened, options)
            else:
                result = run_import(record, SystemClock(), kind, opened, options)
    _show(result, opened, KINDS[kind].says, limit, kind=kind, check=check, json=json)
    if isinstance(result, PatientsImported) and not json:
        tell_more(result)
    if result.refused and json:
        raise typer.Exit(2)
    if result.refused:  # what was done is told before
        raise CohortRefused("import-too-many-gone", result.refused)
    if result.rows and not result.counts.keys() - {code for _, code in result.problems}:
        raise typer.Exit(2)
    if not json:
        again = typed_again(ctx, without=("check",)) if check else ""
        console.next_commands(again or _NEXT.get(kind, _OF_PATIENTS))


def _as_set(kind: Kind, file: Path, how: SourceFormat, settings: Settings) -> Complete | None:
    """What files of this source are set to have all of."""
    from zoneinfo import ZoneInfo

    from clinic.clock import SystemClock
    from clinic.imports.options import complete_of

    if not file.is_file():
        return None  # which is said when it is opened
    zone = ZoneInfo(how.time_zone or settings.organisation.time_zone)
    now = SystemClock().now().astimezone(zone)
    written = min(datetime.fromtimestamp(file.stat().st_mtime, zone), now)
    usual = settings.imports.most_gone
    return complete_of(kind, how, usual, today=now.date(), written=written.date())


def _complete(
    kind: Kind, first: datetime | None, last: datetime | None, most: float, *, whole: bool
) -> Complete | None:
    from clinic.errors import CohortRefused
    from clinic.imports.options import Complete

    if whole:
        if kind != "consents":
            raise CohortRefused("request-invalid", "--complete is of consents alone")
        return Complete(most)
    if first is None and last is None:
        return None
    if kind != "appointments":
        raise CohortRefused("request-invalid", "--complete-from is of appointments alone")
    if first is None or last is None or last < first:
        raise CohortRefused(
            "request-invalid", "type both --complete-from and --complete-to, the first day first"
        )
    return Complete(most, first.date(), last.date())


def _show(
    result: Imported,
    opened: ListFile,
    says: Mapping[str, str],
    limit: int,
    *,
    kind: Kind,
    check: bool,
    json: bool,
) -> None:
    from clinic.cohort.files import report_rows

    if json:
        told: dict[str, Any] = {
            "check": check,
            "rows": result.rows,
            "counts": dict(result.counts),
            "also": {name: count for name, count in result.also.items() if count},
            "problems": result.problems,
            "unused": result.unused,
            "unused_cells": {name: count for name, count in result.filled.items() if count},
            "remarks": [asdict(row) for row in report_rows(opened)],
            "refused": result.refused,
            "import": result.number,
        }
        return console.show_json(told)
    tell_remarks(opened)
    rows = [(n, code, says[code]) for code, n in result.counts.most_common()]
    title = f"{kind.capitalize()}, as they would be" if check else kind.capitalize()
    heads = ["Rows", "Outcome", "What it means"]
    console.show_table(title, heads, [*rows, (result.rows, "rows in all", "")], right=(0,))
    if result.problems:
        shown = [(row, code, says[code]) for row, code in result.problems[:limit]]
        title = f"Rows to look at, {len(shown):,} of {len(result.problems):,}"
        console.show_table(title, ["Row", "Outcome", "What to do"], shown, right=(0,))
    tell_besides(result)
    if check:
        console.say("Dry run: nothing was changed.")
    return None


def tell_remarks(opened: ListFile) -> None:
    """What is remarkable of the file: what was changed in its cells, or fixed, while it was read."""
    from clinic.cohort.files import report_rows

    if remarks := [
        (row.code, row.column, row.count, ", ".join(map(str, row.rows)), row.says)
        for row in report_rows(opened)
    ]:
        heads = ["Remark", "Column", "How often", "Rows", "What it means"]
        console.show_table("Remarks on the file", heads, remarks, right=(2,))


def tell_besides(result: Imported) -> None:
    """What came of an import besides its rows' outcomes, what it did not use, and by what it is put back."""
    if result.unused:
        named = [f"{name} ({result.filled[name]:,} cells)" for name in result.unused]
        console.say(f"Columns not imported: {', '.join(named)}.")
    for name, count in result.also.items():
        if count:
            console.say(_ALSO[name].format(count))
    if result.number and result.changed:
        console.say(f"Import {result.number}; to put it back: cohort imports undo {result.number}")


def tell_more(result: PatientsImported) -> None:
    """Of patients: cells that are not understood, and where the file puts somebody who is elsewhere."""
    for heading, cells in result.contact.unclear.items():
        console.say(
            f"Column {heading}, cells that are neither yes nor no: {cells:,}. Nothing was set from them: write "
            "yes or no there, and import the file again."
        )
    for heading, cells in result.unclear_needs.items():
        console.say(
            f"Column {heading}, cells that are not understood: {cells:,}. What was known before stays: cohort "
            "patients needs says it of a patient."
        )
    _tell_places(result)


def quotable(words: Counter[str]) -> list[tuple[str, int]]:
    """Those of several rows, the commonest first: one alone may be a slipped cell, and a patient's."""
    return [(word, rows) for word, rows in words.most_common() if rows > 1]


def _tell_places(result: PatientsImported) -> None:
    """What the file calls a facility or provider that is not here; who stays elsewhere than it says."""
    for name, many, one in (
        ("facility_id", "Facilities", "facility"),
        ("provider_id", "Providers", "provider"),
    ):
        if strange := result.unknown[name]:
            said = quotable(strange)[:MOST_PLACES]
            shown = [f"{word} ({rows:,} rows)" for word, rows in said]
            if more := len(strange) - len(said):
                shown.append(f"{more:,} more, not named here")
            console.say(f"{many} that are not here, or closed: {'; '.join(shown)}.")
            console.say(
                f"  A manager adds each, then import again: cohort places {one} CODE --name NAME "
                "--operator MANAGER"
            )
    if result.foreign:
        foreign = quotable(result.foreign)[:MOST_PLACES]
        named = [f"{code} ({rows:,} rows)" for code, rows in foreign]
        if more := len(result.foreign) - len(named):
            named.append(f"{more:,} more, not named here")
        console.say(f"Organisations that this installation may not hold: {'; '.join(named)}.")
    if result.stayed:
        console.say(
            f"{result.stayed:,} patients stay where they are, though the file says otherwise."
        )
        console.say("  To move them: cohort operations facility --help, … provider --help")
