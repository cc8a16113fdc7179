"""How patients are chosen: by filter, from a file, pasted, or searched and picked (ALC-10 to 13)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli import console
from cli.proof import who_acts
from cli.wiring import get_settings, governed, open_record
from clinic.errors import OperationRefused

if TYPE_CHECKING:
    from clinic.change.search import Found
    from clinic.change.selection import Taken
    from clinic.cohort.filters import PatientFilter

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


def select_filtered(wanted: PatientFilter, *, by: str) -> Taken:
    """ALC-10."""
    from clinic.change.selection import select_by_filter
    from clinic.clock import SystemClock

    settings = get_settings()
    with open_record(settings) as record:
        settings = governed(record, settings)
        return select_by_filter(record, SystemClock(), settings, wanted, taken_by=by)


def select_given(ids: list[str], *, source: str, by: str, first_row: int = 1) -> Taken:
    """ALC-11 to 13."""
    from clinic.change.selection import select_ids
    from clinic.clock import SystemClock

    settings = get_settings()
    with open_record(settings) as record:
        settings = governed(record, settings)
        return select_ids(
            record, SystemClock(), settings, ids,
            source=source, taken_by=by, first_row=first_row,
        )  # fmt: skip


def ids_pasted(source: Path) -> list[str]:
    """ALC-12: what is in the file, or typed after `-`."""
    from clinic.cohort.pasted import pasted_ids

    text = sys.stdin.read() if str(source) == "-" else source.read_text(encoding="utf-8-sig")
    return pasted_ids(text)


def ids_in_file(path: Path) -> list[str]:
    """
    ALC-11: the column of ids of a CSV, TSV or spreadsheet, a cell a row.

    Raises:
        ListRefused: the file cannot be read without losing somebody, or has no column of ids
    """
    from clinic.cohort.files import open_list

    file = open_list(path, scheme=get_settings().organisation.id_scheme)
    wanted = [name for name in ("any_id", "nhs_number", "local_id") if name in file.fields]
    if not wanted:
        raise OperationRefused("no-id-column", f"{file.file_name} has no column of patients' ids")
    columns = [file.columns.index(file.fields[name]) for name in wanted]
    ids: list[str] = []
    for block in file.blocks():
        for row in block.frame.to_numpy(dtype=object).tolist():
            ids.append(next((str(row[n]) for n in columns if row[n]), ""))
    return ids


def ids_picked(text: str, picked: str) -> list[str]:
    """
    ALC-13: search, and take the numbers that are picked; all are all found, not only those shown.

    What was found is shown where somebody still has to pick: what is printed else is for scripts.

    Raises:
        OperationRefused: nobody was found, or a number is none of those shown
    """
    from clinic.change.search import find_patients

    with open_record(get_settings()) as record:
        found = find_patients(record, text)
    if not found:
        raise OperationRefused("nobody-found", "no patient's name, id or postcode is like this")
    if not picked:
        _show_found(found)
    numbers = picked or typer.prompt("Which? Numbers, or all", err=True)
    if numbers.strip().lower() == "all":
        return [each.own_id for each in found]
    chosen = numbers.replace(",", " ").split()
    if not all(n.isdecimal() and 0 < int(n) <= len(found) for n in chosen):
        raise OperationRefused("picked-unknown", f"pick numbers from 1 to {len(found)}, or all")
    return [found[int(n) - 1].own_id for n in chosen]


def _show_found(found: list[Found]) -> None:
    """The first of those found, and how many there are."""
    shown = found[:_SHOWN]
    rows = [(n, f.own_id, f.name, f.birth_date, f.status) for n, f in enumerate(shown, start=1)]
    console.show_table("Found", ["", "Id", "Name", "Born", "Status"], rows, right=(0,))
    if len(found) > _SHOWN:
        typer.echo(f"{len(found)} found, the first {_SHOWN} shown; all takes all of them", err=True)
