"""
Data export (ALC-6, ALC-24 to ALC-28): the selected patients' data leave in one file, read by its owner.

It is an operation like any other, approved by a team lead: each patient whose data leave has an item,
and an audit item that is sealed *before* the file is written. What was exported cannot be called back: undo is
N/A (ALC-39). Killed in the middle, the file is begun again; there is never half a file of its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.operation_kind import (
    Items,
    Kind,
    Parameters,
    Plan,
    Words,
    chosen_patients,
    held_by_another,
    item_columns,
    restricted,
)
from clinic.change.core.outcomes import WILL_CHANGE
from clinic.change.export.file import ExportFile, Table, Written
from clinic.change.export.recipients import kept_from_research, require_recipient
from clinic.change.export.sheets import REMINDER, Sheet, sheets_of
from clinic.errors import OperationRefused
from clinic.record.database import Record
from clinic.record.schema.change import operation_chunk, operation_item
from clinic.record.schema.people import patient
from clinic.settings import Settings

WHAT: Final = ("patients", "clinical", "visits", "full")
FORMATS: Final = ("csv", "xlsx")


def require(_connection: Connection, _settings: Settings, parameters: Parameters) -> Parameters:
    """
    `what`: patients, clinical, visits or full; `format`: csv or xlsx; and for what and whom (recipients.py).

    Raises:
        OperationRefused: it is none of these, or the full record is wanted as CSV (ALC-27)
    """
    what, format_ = parameters.get("what"), parameters.get("format", "xlsx")
    if what not in WHAT or format_ not in FORMATS:
        raise OperationRefused(
            "export-what", f"what is one of {', '.join(WHAT)}; format is one of csv, xlsx"
        )
    if what == "full" and format_ != "xlsx":
        raise OperationRefused(
            "export-excel-only", "the full record has several tables: it is exported as xlsx only"
        )
    return {"what": what, "format": format_, **require_recipient(parameters)}


def items(_connection: Connection, plan: Plan) -> Iterator[Items]:
    """One item a patient: whose data leave, and in which file."""
    yield item_columns(
        chosen_patients(plan),
        operation_id=plan.operation_id,
        patient_id=patient.c.id,
        field="export",
        subject=sa.literal(0),
        old=sa.cast(sa.null(), sa.Text),
        new=sa.literal("{what}.{format}".format(**plan.parameters)),
        version=sa.literal(0),
        reasons=(
            *kept_from_research(plan.parameters),
            held_by_another(patient.c.id),
            restricted(patient.c.id),
        ),
    )


def folder_of(settings: Settings) -> Path:
    """Where this installation's exports are; nobody but its owner may read it."""
    return settings.home / "exports"


def write_file(
    record: Record, settings: Settings, operation_id: int, parameters: Parameters
) -> Written:
    """
    Write the file of an export whose items are all applied; in place of one of an earlier try.

    Its patients are locked by the operation, so that no other operation changes them meanwhile. Memory is
    that of one chunk of patients, whatever their number.
    """
    sheets = sheets_of(parameters["what"])
    zone = ZoneInfo(settings.organisation.time_zone)
    stem = f"export-{operation_id}"
    rows = 0
    with ExportFile(folder_of(settings), stem, parameters["format"], zone) as file:
        tables = [file.add_table(sheet.name, sheet.headings) for sheet in sheets]
        pairs = list(zip(sheets, tables, strict=True))
        for first, last in _spans(record, operation_id):
            rows += _write_span(record, operation_id, (first, last), pairs)
    return file.publish(rows, encrypt_to=parameters.get("encrypt_to") or ())


def _spans(record: Record, operation_id: int) -> list[tuple[int, int]]:
    c = operation_chunk.c
    with record.read() as connection:
        found = connection.execute(
            sa.select(c.first_patient, c.last_patient)
            .where(c.operation_id == operation_id)
            .order_by(c.number)
        )
        return [(first, last) for first, last in found.tuples()]


def _write_span(
    record: Record, operation_id: int, span: tuple[int, int], tables: list[tuple[Sheet, Table]]
) -> int:
    """The rows of a chunk's patients, in every table; how many."""
    patients = sa.select(operation_item.c.patient_id).where(
        operation_item.c.operation_id == operation_id,
        operation_item.c.patient_id.between(*span),
        operation_item.c.outcome == WILL_CHANGE,
    )
    with record.read() as connection:
        return sum(
            table.write(
                connection.execution_options(yield_per=1000).execute(sheet.rows_of(patients))
            )
            for sheet, table in tables
        )


EXPORT = Kind(
    name="export",
    title="Data export",
    flow="export-data",
    fields=("export",),
    require=require,
    items=items,
    undoable=False,
    notice=REMINDER,
    words=Words("will be exported", "exported"),
    dead_stay=False,
)
