"""`cohort patients`: import patients, and say how one may be contacted safely."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import console
from cli.begin import safe_contact
from cli.begin.imports import quotable, tell_besides, tell_more, tell_remarks
from cli.erase.patients import erase, reinstate, restrict
from cli.looks.noting import looked
from cli.options import Json, MostShown
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import get_settings, open_record

if TYPE_CHECKING:
    from clinic.imports.patients.run import PatientsImported

_TAKEN_IN = {"added", "changed", "unchanged"}

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="The record's patients, from an export."
)

app.add_typer(safe_contact.app, name="safe-contact")
app.command("erase")(erase)
app.command("restrict")(restrict)
app.command("reinstate")(reinstate)


@app.callback()
def patients() -> None:
    """The record's patients, from an export of the practice's system."""


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="CSV, TSV, .xlsx, .xls, .ods or Parquet, a patient a row.")
    ],
    scheme: Annotated[
        Literal["emis", "emis_wales", "systmone", "generic"] | None,
        typer.Option(help="Whose export it is; as in the settings if not named."),
    ] = None,
    limit: MostShown = 20,
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
    from clinic.cohort.files import report_rows
    from clinic.collector import collect_seldom
    from clinic.imports.kinds import open_file
    from clinic.imports.options import Options
    from clinic.imports.patients.run import import_patients

    settings = get_settings()
    with open_record(settings) as record:
        by, clock = who_acts(record, settings, me, secret_fd), SystemClock()
        collect_seldom()
        with console.err().status("Importing patients …"):
            opened = open_file("patients", file, scheme=scheme or settings.organisation.id_scheme)
            options = Options(by=by, codes=settings.organisation.codes)
            result = import_patients(record, clock, opened, options)
    if json:
        told = {
            "counts": dict(result.counts),
            "problems": result.problems,
            "unused": result.unused,
            "unused_cells": {name: count for name, count in result.filled.items() if count},
            "unknown_facilities": dict(quotable(result.unknown["facility_id"])),
            "unknown_providers": dict(quotable(result.unknown["provider_id"])),
            "unknown_rows": {
                "facility": result.unknown["facility_id"].total(),
                "provider": result.unknown["provider_id"].total(),
            },
            "stayed": result.stayed,
            "foreign_organisations": dict(quotable(result.foreign)),
            "no_contact": result.contact.restricted,
            "opted_out": result.contact.opted_out,
            "national_opt_out": result.contact.kept_from_research,
            "unclear": dict(result.contact.unclear),
            "unclear_needs": dict(result.unclear_needs),
            "remarks": [asdict(row) for row in report_rows(opened)],
        }
        console.show_json(told)
        return _end(result)
    tell_remarks(opened)
    _tell(result, limit)
    _end(result)


@app.command("confirm-number")
def confirm_number(
    patients: Annotated[
        list[str],
        typer.Argument(metavar="PATIENT …", help="NHS numbers, or the practice's own ids."),
    ],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Note that the mobile number on the record is the patient's own, as they told you today.

    A number that was recorded before the 13th or the 16th birthday, and not confirmed since, gets no sensitive
    text: it may be a parent's.
    """
    from clinic.clock import SystemClock
    from clinic.message.outcomes.outreach import find_patient
    from clinic.message.sharing.unconfirmed import confirm_numbers

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        with record.read() as connection:
            keys = [find_patient(connection, known_as) for known_as in patients]
        count = confirm_numbers(record, SystemClock(), keys, by=by)
    console.say(f"Numbers confirmed today: {count:,}.")
    console.next_commands(f"cohort patient {patients[0]} --reason record")


def _end(result: PatientsImported) -> None:
    """Exit code 2 where no row could be used: nothing was done, and the file has to be corrected."""
    if not result.counts.keys() & _TAKEN_IN:
        raise typer.Exit(2)


def _tell(result: PatientsImported, limit: int) -> None:
    from clinic.imports.patients.columns import SAYS

    rows = [(n, code, SAYS[code]) for code, n in result.counts.most_common()]
    total = (sum(result.counts.values()), "rows in all", "")
    console.show_table("Patients", ["Rows", "Outcome", "What it means"], [*rows, total], right=(0,))
    if result.problems:
        shown = [(row, code, SAYS[code]) for row, code in result.problems[:limit]]
        title = f"Rows not used, {len(shown):,} of {len(result.problems):,}"
        console.show_table(title, ["Row", "Outcome", "What to do"], shown, right=(0,))
    tell_besides(result)
    tell_more(result)
    if result.counts.keys() & _TAKEN_IN:
        console.next_commands("cohort message --status active --name NAME --template KEY")
    else:
        console.say("Nobody was imported: correct the file as said above, and import it again.")


@app.command("needs")
def set_needs(
    known_as: Annotated[
        str, typer.Argument(metavar="PATIENT", help="NHS number, or the practice's id.")
    ],
    language: Annotated[
        str | None, typer.Option(help="In which they are written to: Polish, cy …; or none.")
    ] = None,
    interpreter: Annotated[str | None, typer.Option(help="Whether they need one: yes, no.")] = None,
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="easy_read, large_print, braille, audio, bsl, letter, phone …, or SNOMED CT codes; or none.",
        ),
    ] = None,
    prefers: Annotated[
        Literal["sms", "email", "voice", "none", "any"] | None,
        typer.Option(help="Preferred channel; none: do not contact; any: no preference."),
    ] = None,
    stay: Annotated[str | None, typer.Option(help="prison, ward, care_home; or none.")] = None,
    proxy_role: Annotated[
        str | None, typer.Option(help="What the proxy is to them: daughter, attorney; or none.")
    ] = None,
    proxy_name: Annotated[str | None, typer.Option(help="The proxy's name; or none.")] = None,
    proxy_mobile: Annotated[str | None, typer.Option(help="Their mobile number; or none.")] = None,
    proxy_email: Annotated[str | None, typer.Option(help="Their e-mail address; or none.")] = None,
    proxy_consent: Annotated[
        str | None,
        typer.Option(
            help="yes: the proxy is written to in the patient's place, with consent or by law."
        ),
    ] = None,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Set what a patient needs so that messages reach and help them. Unchanged if omitted.

    Without the language or format that they need, no message leaves: the outcome needs_interpreter or
    needs_format leads to a person. A place of stay stops messages; with consent they go to the proxy.

      cohort patients needs 9990010064 --language Polish --format easy_read
    """
    from clinic.clock import SystemClock
    from clinic.govern.access.look import at_patient
    from clinic.message.outcomes.outreach import find_patient
    from clinic.practice import needs as practice_needs

    given = {
        "language": language, "interpreter": interpreter, "formats": formats, "stay": stay,
        "proxy_role": proxy_role, "proxy_name": proxy_name, "proxy_mobile": proxy_mobile,
        "proxy_email": proxy_email, "proxy_consent": proxy_consent,
    }  # fmt: skip
    said = {name: text for name, text in given.items() if text is not None}
    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        with record.read() as connection:
            patient_id = find_patient(connection, known_as)
        found = practice_needs.set_needs(
            record, SystemClock(), patient_id, said, prefers=prefers, by=by
        )
        looked(record, settings, at_patient(patient_id))
    if json:
        return console.show_json(found)
    console.show_table(
        "Needs", ["What", ""], [(name.replace("_", " "), value) for name, value in found.items()]
    )
    console.next_commands(f"cohort patient {known_as} --reason record")
    return None
