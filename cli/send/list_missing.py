"""`cohort list missing`: who should be on a list and is not, before it is sent."""

from __future__ import annotations

import csv as csv_file
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import console
from cli.looks.noting import looked
from cli.options import Json, ListNumber
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import LocalTime, get_settings, open_record


def missing(
    list_id: ListNumber,
    group: Annotated[str | None, typer.Option(help="Who should be on it: a group's code.")] = None,
    status: Annotated[str | None, typer.Option(help="Of these, patients of this status.")] = None,
    facility: Annotated[
        str | None, typer.Option(help="Of these, patients of this facility.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Of these, patients of this provider.")
    ] = None,
    code: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Who has this SNOMED CT code; again for several."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write the missing to this file.")
    ] = None,
    save: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Make a list of the missing, which can be sent as well."),
    ] = None,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Who is eligible by a group, a filter or a code, and not on a list: before it is sent.

      cohort list missing 4 --code 44054006 --status active --csv missing.csv

      cohort list missing 4 --group flu-65 --save "Flu 2026, missing"
    """
    import sqlalchemy as sa

    from clinic.clock import SystemClock
    from clinic.cohort.coverage import Covers, coverage_of, covered_by, named
    from clinic.cohort.filters import PatientFilter
    from clinic.cohort.import_list import take_in_query
    from clinic.errors import CohortRefused
    from clinic.govern.access.look import at_some
    from clinic.record.bulk import is_any_of
    from clinic.record.schema.people import patient
    from clinic.values.snomed import check_snomed_codes

    wanted = PatientFilter(status, facility, provider)
    if wanted == PatientFilter() and not group and not code:
        raise CohortRefused(
            "coverage-of-nobody",
            "say who should be on the list: --group, --status, --facility, --provider or --code",
        )
    settings = get_settings()
    with open_record(settings) as record:
        by, clock = who_acts(record, settings, me, secret_fd), SystemClock()
        asked = Covers(wanted, group, check_snomed_codes(code or []))
        with record.read() as connection:
            query = covered_by(connection, asked, statuses=settings.organisation.statuses, by=by)
            found = coverage_of(connection, list_id, query, LocalTime(settings).today())
            rows = named(connection, found.missing)
        made = None
        if save and found.missing:
            made = take_in_query(
                record, clock, sa.select(patient.c.id).where(is_any_of(patient.c.id, found.missing)),
                source="filter", criteria={"missing_on_list": list_id},
                request_key=f"missing-{uuid.uuid4()}", name=save, taken_by=by,
            )  # fmt: skip
        if csv is not None:
            looked(record, settings, at_some("missing", found.missing))
    if csv is not None:
        _write(csv, rows)
    if json:
        told = {"eligible": found.eligible, "missing": len(found.missing), "list": made}
        return console.show_json(told)
    console.say(
        f"{len(found.missing):,} of {found.eligible:,} eligible patients are not on list {list_id}."
    )
    if csv is not None:
        console.say(f"They are written to {csv}.")
    if made is not None:
        console.say(f"They are list {made}.")
    console.next_commands("cohort list ls")
    return None


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    from clinic.record.private import open_private
    from clinic.values.formula import safe_cell

    with open_private(path) as file:
        writer = csv_file.writer(file)
        writer.writerow(["NHS Number", "Patient ID", "Given Name", "Family Name", "Date of Birth"])
        writer.writerows([safe_cell(str(cell or "")) for cell in row.values()] for row in rows)
