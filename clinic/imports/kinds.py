"""
Every kind of import in one place, each run in the same way: who imports needs no other module.

    opened = open_file("appointments", path, how)                        a file, its columns found by headings
    options = Options(by="nia", source="emis", zone="Europe/London", how=how, check=True)
    result = run_import(record, clock, "appointments", opened, options)  what it did, or would do

What is read from a database or a server is staged as a private CSV whose headings are our own field names or
any of docs/data.md, dates in ISO 8601, instants with their offset, and then opened like any file.

Another kind: a folder with a `Kind`, SAYS (outcome → what it means), PROBLEMS and a function of this signature;
its line in `KINDS`; its name in `ImportKind` (clinic/settings/sources/formats.py); its table in docs/data.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from clinic.clock import Clock
from clinic.cohort.files import ListFile, open_list
from clinic.cohort.files.limits import Limits
from clinic.imports.appointments import reading as appointments
from clinic.imports.appointments.run import import_appointments
from clinic.imports.clinical import columns as clinical
from clinic.imports.clinical.run import (
    import_allergies,
    import_diagnoses,
    import_medications,
)
from clinic.imports.consents import reading as consents
from clinic.imports.consents.run import import_consents
from clinic.imports.groups import run as groups
from clinic.imports.kind import Kind
from clinic.imports.layouts import usual_columns, with_layout
from clinic.imports.options import Options
from clinic.imports.patients import columns as patients
from clinic.imports.patients.run import import_patients
from clinic.imports.places import run as places
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.settings import ImportKind, Layout, SourceFormat

# A whole extract is larger than a list of whom to message
LIMITS: Final = Limits(flat_bytes=1_000_000_000, rows=5_000_000)


class Run(Protocol):
    """Imports an opened file; run again it changes nothing; killed, it goes on when it is run again."""

    def __call__(
        self, record: Record, clock: Clock, file: ListFile, options: Options
    ) -> Imported: ...


@dataclass(frozen=True)
class Importer:
    """
    A kind, and how it is imported.

    says: each outcome of a row → what it means; problems: those that need a look
    """

    kind: Kind
    says: Mapping[str, str]
    problems: frozenset[str]
    run: Run


KINDS: Final[Mapping[ImportKind, Importer]] = {
    "patients": Importer(patients.KIND, patients.SAYS, patients.PROBLEMS, import_patients),
    "appointments": Importer(
        appointments.KIND, appointments.SAYS, appointments.PROBLEMS, import_appointments
    ),
    "consents": Importer(consents.KIND, consents.SAYS, consents.PROBLEMS, import_consents),
    "facilities": Importer(
        places.FACILITIES, places.SAYS, places.PROBLEMS, places.import_facilities
    ),
    "providers": Importer(places.PROVIDERS, places.SAYS, places.PROBLEMS, places.import_providers),
    "groups": Importer(groups.KIND, groups.SAYS, groups.PROBLEMS, groups.import_groups),
    "diagnoses": Importer(
        clinical.DIAGNOSES.kind, clinical.SAYS, clinical.PROBLEMS, import_diagnoses
    ),
    "medications": Importer(
        clinical.MEDICATIONS.kind, clinical.SAYS, clinical.PROBLEMS, import_medications
    ),
    "allergies": Importer(
        clinical.ALLERGIES.kind, clinical.SAYS, clinical.PROBLEMS, import_allergies
    ),
}


def open_file(
    kind: ImportKind, path: Path, how: SourceFormat | None = None, *, scheme: Layout = "generic"
) -> ListFile:
    """
    Open a file of this kind and find its columns. Headings alone are an export of nothing.

    Args:
        how: the source's way of writing, with the headings that it chose
        scheme: whose export it is; says which columns patients must have

    Raises:
        ListRefused: it cannot be read, or lacks a column that is needed
    """
    how = how or SourceFormat()
    find = KINDS[kind].kind.headings(how.columns.get(kind, {}), usual_columns(how, kind))
    return open_list(
        path,
        scheme=scheme,
        limits=LIMITS,
        map_headings=find,
        may_be_empty=True,  # a source of which there is nothing now
    )


def run_import(
    record: Record, clock: Clock, kind: ImportKind, file: ListFile, options: Options
) -> Imported:
    """
    Import an opened file of this kind.

    Raises:
        ListRefused: the file changed while it was read; what was imported stays
    """
    return KINDS[kind].run(record, clock, file, replace(options, how=with_layout(options.how)))
