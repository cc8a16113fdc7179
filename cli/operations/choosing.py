"""How patients are chosen: by filter, group, file, pasted, or searched and picked (ALC-10 to 13)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli import console
from cli.looks.noting import looked
from cli.pasting import text_of
from cli.proof import who_acts
from cli.wiring import get_settings, governed, open_record
from clinic.errors import OperationRefused

if TYPE_CHECKING:
    from clinic.change.selection.search import Found
    from clinic.change.selection.selection import Taken
    from clinic.change.selection.selection_parts import Part
    from clinic.cohort.filters import PatientFilter
    from clinic.cohort.id_file import IdFile
    from clinic.record.database import Record

_SHOWN = 50
"""How many of those found are shown to pick from."""


def who_selects(me: str, secret_fd: int | None) -> str:
    """
    The name that the selection gets, before anything is read.

    Raises:
        NotAllowed: a registered name that is not proven, or a name that is nobody's
    """
    settings = get_settings()
    with open_record(settings) as record:
        return who_acts(record, settings, me, secret_fd)


def take_all(parts: list[Part], wanted: PatientFilter, within: list[str], *, by: str) -> Taken:
    """Store whom the parts and the filter name together."""
    from clinic.change.selection.selection import filter_part, take
    from clinic.clock import SystemClock

    settings = get_settings()
    with open_record(settings) as record:
        settings = governed(record, settings)
        if wanted.criteria():
            parts = [*parts, filter_part(settings, wanted)]
        try:
            return take(record, SystemClock(), settings, parts, taken_by=by, within=within)
        except OperationRefused as refused:
            if refused.code == "selection-empty":
                _show_why_nobody(record, parts, within, by)
            raise


def _show_why_nobody(record: Record, parts: list[Part], within: list[str], by: str) -> None:
    """A selection of nobody is not stored: what became of its ids is told now, or never."""
    from clinic.change.core.outcomes import SAYS
    from clinic.change.selection.selection import places_of
    from clinic.change.selection.selection_parts import outcomes_of

    with record.read() as connection:
        places = places_of(connection, by, within)
        found = outcomes_of(connection, parts, within=places, most=_SHOWN)
    for part, given, outcome in found:
        console.say_plain(
            f"{part} row {given.row:,}: {given.text or '(empty)'}: {outcome}: {SAYS[outcome]}"
        )


def pasted(source: Path) -> Part:
    """ALC-12: what is in the file, or typed after `-`. A spreadsheet is read as one."""
    from clinic.change.selection.choosing import of_text
    from clinic.cohort.files.kinds import is_sheet

    if is_sheet(source):
        return in_file(source)
    return of_text(text_of(source), name="" if str(source) == "-" else source.name)


def in_file(path: Path) -> Part:
    """
    ALC-11: the ids of a file; what the reader left out of it is told first.

    Raises:
        ListRefused: the file cannot be read without losing somebody, or nobody can tell which are the ids
    """
    from clinic.change.selection.choosing import of_file

    part, file = of_file(path)
    say_notices(file)
    return part


def say_notices(file: IdFile) -> None:
    """What the reader left out or may have changed, by row, before anybody relies on it."""
    from clinic.change.selection.choosing import remarks_on

    if file.heading is not None:
        console.say_plain(
            f"{file.name}: row {file.heading:,} is taken for a heading, since it has no id."
        )
    for notice, says in remarks_on(file):
        rows = ", ".join(f"{row:,}" for row in notice.rows)
        more = " …" if notice.count > len(notice.rows) > 0 else ""
        where = f" (rows {rows}{more})" if rows else ""
        console.say_plain(f"{file.name}: {notice.count:,} × {notice.code}{where}: {says}")


def picked(text: str, pick: str, *, by: str) -> Part:
    """
    ALC-13: search, and take the numbers that are picked; all are all found, not only those shown.

    What was found is shown where somebody still has to pick: what is printed else is for scripts.

    by: who selects: whoever is tied to facilities finds their patients alone

    Raises:
        OperationRefused: nobody was found, or a number is none of those shown
    """
    from clinic.change.selection.choosing import of_picked
    from clinic.change.selection.search import find_patients
    from clinic.govern.access.look import at_some

    with open_record(get_settings()) as record:
        settings = get_settings()
        found = find_patients(record, text, by=by)
        if found and not pick:
            shown = [each.id for each in found[:_SHOWN]]
            looked(record, settings, at_some("search", shown))
    if found and not pick:
        _show_found(found)
        pick = typer.prompt("Which? Numbers, or all", err=True)
    return of_picked(found, pick)


def _show_found(found: list[Found]) -> None:
    """The first of those found, and how many there are."""
    shown = found[:_SHOWN]
    rows = [(n, f.own_id, f.name, f.birth_date, f.status) for n, f in enumerate(shown, start=1)]
    console.show_table("Found", ["", "Id", "Name", "Born", "Status"], rows, right=(0,))
    if len(found) > _SHOWN:
        typer.echo(f"{len(found)} found, the first {_SHOWN} shown; all takes all of them", err=True)
