"""`cohort patients`: import patients, and say how one may be contacted safely."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import console
from cli.begin import safe_contact
from cli.options import Json
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import get_settings, open_record

if TYPE_CHECKING:
    from clinic.practice.importing import Imported

MOST_PLACES = 10
_TAKEN_IN = {"added", "changed", "unchanged"}

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="The record's patients, from an export."
)

app.add_typer(safe_contact.app, name="safe-contact")


@app.callback()
def patients() -> None:
    """The record's patients, from an export of the practice's system."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, .xlsx, .xls or .ods, a patient a row.")],
    scheme: Annotated[
        Literal["emis", "emis_wales", "systmone", "generic"] | None,
        typer.Option(help="Whose export it is; as in the settings if not named."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows with problems shown.")] = 20,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Import patients: new ones are added, changed ones brought up to date, and each row is told of.

    Columns are known by their headings, in any order: NHS Number, EMIS Number, Given Name, Family Name,
    Date of Birth, Mobile Telephone, E-mail Address … Facility (or Organisation Code) and Provider (or
    Usual GP) say where somebody belongs who belongs nowhere yet; everybody else stays where they are.
    Columns that mark patients as sensitive, or say that they declined messages (SpineSensitive, Safeguarding,
    SMS Declined …), are obeyed.
    An empty cell takes nothing away; columns that are not imported are named. Run it again whenever the
    practice exports again, or after it was interrupted. That it was done, by whom and from which file (its
    SHA-256), is in the audit trail.
    """
    from clinic.clock import SystemClock
    from clinic.cohort.files import open_list, report_rows
    from clinic.practice.importing import import_patients

    settings = get_settings()
    with open_record(settings) as record:
        by, clock = who_acts(record, settings, me, secret_fd), SystemClock()
        with console.err().status("Importing patients …"):
            opened = open_list(file, scheme=scheme or settings.organisation.id_scheme)
            result = import_patients(record, clock, opened, today=clock.now().date(), by=by)
    if json:
        told = {
            "counts": dict(result.counts),
            "problems": result.problems,
            "unused": result.unused,
            "unknown_facilities": dict(_quotable(result.unknown["facility_id"])),
            "unknown_providers": dict(_quotable(result.unknown["provider_id"])),
            "unknown_rows": {
                "facility": result.unknown["facility_id"].total(),
                "provider": result.unknown["provider_id"].total(),
            },
            "stayed": result.stayed,
            "no_contact": result.contact.restricted,
            "opted_out": result.contact.opted_out,
            "unclear": dict(result.contact.unclear),
            "remarks": [asdict(row) for row in report_rows(opened)],
        }
        console.show_json(told)
        return _end(result)
    if remarks := [
        (row.code, row.column, row.count, ", ".join(map(str, row.rows)), row.says)
        for row in report_rows(opened)
    ]:
        heads = ["Remark", "Column", "How often", "Rows", "What it means"]
        console.show_table("Remarks on the file", heads, remarks, right=(2,))
    _tell(result, limit)
    _end(result)


def _end(result: Imported) -> None:
    """Exit code 2 where no row could be used: nothing was done, and the file has to be corrected."""
    if not result.counts.keys() & _TAKEN_IN:
        raise typer.Exit(2)


def _tell(result: Imported, limit: int) -> None:
    from clinic.practice.importing import SAYS

    rows = [(n, code, SAYS[code]) for code, n in result.counts.most_common()]
    total = (sum(result.counts.values()), "rows in all", "")
    console.show_table("Patients", ["Rows", "Outcome", "What it means"], [*rows, total], right=(0,))
    if result.problems:
        shown = [(row, code, SAYS[code]) for row, code in result.problems[:limit]]
        title = f"Rows not used, {len(shown):,} of {len(result.problems):,}"
        console.show_table(title, ["Row", "Outcome", "What to do"], shown, right=(0,))
    if result.unused:
        console.say(f"Columns not imported: {', '.join(result.unused)}.")
    _tell_contact(result)
    _tell_places(result)
    if result.counts.keys() & _TAKEN_IN:
        console.next_commands("cohort message --status active --name NAME --template KEY")
    else:
        console.say("Nobody was imported: correct the file as said above, and import it again.")


def _tell_contact(result: Imported) -> None:
    """For how many patients it was set how they may be contacted; which ones is told nowhere."""
    contact = result.contact
    if contact.restricted:
        console.say(
            f"Patients whom the file marks, contacted by no channel: {contact.restricted:,}."
        )
    if contact.opted_out:
        console.say(f"Opt-outs noted: {contact.opted_out:,}.")
    for heading, cells in contact.unclear.items():
        console.say(
            f"Column {heading}, cells that are neither yes nor no: {cells:,}. Nothing was set from them: write "
            "yes or no there, and import the file again."
        )


def _quotable(words: Counter[str]) -> list[tuple[str, int]]:
    """Those of several rows, the commonest first: one alone may be a slipped cell, and a patient's."""
    return [(word, rows) for word, rows in words.most_common() if rows > 1]


def _tell_places(result: Imported) -> None:
    """What the file calls a facility or provider that is not here; who stays elsewhere than it says."""
    for name, many, one in (
        ("facility_id", "Facilities", "facility"),
        ("provider_id", "Providers", "provider"),
    ):
        if strange := result.unknown[name]:
            said = _quotable(strange)[:MOST_PLACES]
            shown = [f"{word} ({rows:,} rows)" for word, rows in said]
            if more := len(strange) - len(said):
                shown.append(f"{more:,} more, not named here")
            console.say(f"{many} that are not here, or closed: {'; '.join(shown)}.")
            console.say(
                f"  A manager adds each, then import again: cohort places {one} CODE --name NAME "
                "--operator MANAGER"
            )
    if result.stayed:
        console.say(
            f"{result.stayed:,} patients stay where they are, though the file says otherwise."
        )
        console.say("  To move them: cohort operations facility --help, … provider --help")
