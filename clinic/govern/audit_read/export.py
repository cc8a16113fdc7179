"""
The trail as a file: one row, or one FHIR R4 AuditEvent, for each patient changed (ALC-41, IHE BALP).

CSV and JSON lines have ALC-40's eight fields, old and new values included: patient data, for its owner
alone. FHIR AuditEvents say who, whom, what and when, with identifiers only and no clinical content.
Written as read, a chunk in memory; that somebody exported is itself written to the trail.
"""

from __future__ import annotations

import csv
import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit_read.read import Asked, PatientChanged, changes, tell_reading
from clinic.govern.people.operators import Operator
from clinic.record.database import Record
from clinic.values.formula import safe_cell

Form = Literal["csv", "json", "fhir"]

FIELDS: Final = (
    "timestamp", "operator", "approver", "operation_type", "operation", "patient_id",
    "nhs_number", "local_id", "old_values", "new_values", "reason", "outcome",
)  # fmt: skip
_EVENTS: Final = uuid.UUID("6f6a9a52-5a0c-4f2b-9d0c-2f1f6a1c7e11")  # namespace of our event ids

# How FHIR (http://hl7.org/fhir/R4/valueset-audit-event-action.html) calls what we do; U: update
_ACTIONS: Final = {"export": "R", "visit": "C", "notification": "E"}
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_NHS_NUMBER: Final = "https://fhir.nhs.uk/Id/nhs-number"
_TERMS: Final = "http://terminology.hl7.org/CodeSystem"


def export_trail(
    record: Record, clock: Clock, path: Path, *, form: Form, asked: Asked, by: Operator
) -> int:
    """
    Write what is asked for to a new file that only its owner can read; how many rows.

    Args:
        by: of `prove`; a manager

    Raises:
        NotAllowed: the role may not read old and new values, or the file exists already
    """
    tell_reading(
        record, clock, "audit.exported", asked, by=by, outcome="begun", says={"form": form}
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise NotAllowed("export-exists", f"{path} exists already; name another file") from None
    with open(descriptor, "wb") as out, record.read() as connection:
        rows = _Counted(changes(connection, asked))
        digest = hashlib.sha256()
        for line in _LINES[form](rows):
            out.write(line)
            digest.update(line)
    written = {"form": form, "rows": rows.count, "sha256": digest.hexdigest()}
    tell_reading(record, clock, "audit.exported", asked, by=by, says=written)
    return rows.count


class _Counted:
    """Rows as they come, and how many came."""

    def __init__(self, rows: Iterator[PatientChanged]) -> None:
        self.rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[PatientChanged]:
        for row in self.rows:
            self.count += 1
            yield row


def as_json(rows: Iterable[PatientChanged]) -> Iterator[bytes]:
    """One JSON object a line; old and new values are objects in it."""
    for row in rows:
        fields = _fields(row)
        for name in ("old_values", "new_values"):
            if fields[name] is not None:
                fields[name] = orjson.Fragment(fields[name])  # is JSON already
        yield orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


class _Line:
    """What `csv` writes to: keeps the last line."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def as_csv(rows: Iterable[PatientChanged]) -> Iterator[bytes]:
    """A heading, then one line a patient; no cell that a spreadsheet would run."""
    line = _Line()
    writer = csv.writer(line)
    writer.writerow(FIELDS)
    yield line.text.encode()
    for row in rows:
        cells = _fields(row).values()
        writer.writerow([safe_cell(value) if isinstance(value, str) else value for value in cells])
        yield line.text.encode()


def as_fhir(rows: Iterable[PatientChanged]) -> Iterator[bytes]:
    """One FHIR R4 AuditEvent a line (application/fhir+ndjson)."""
    for row in rows:
        yield orjson.dumps(audit_event(row), option=orjson.OPT_APPEND_NEWLINE)


def _fields(row: PatientChanged) -> dict[str, Any]:
    act = row.act
    return {
        "timestamp": (act.timestamp if act else row.sealed_at).isoformat(),
        "operator": act and act.operator,
        "approver": act and act.approver,
        "operation_type": act and act.operation_type,
        "operation": row.stream,
        "patient_id": row.patient_id,
        "nhs_number": row.nhs_number,
        "local_id": row.local_id,
        "old_values": row.old_values,
        "new_values": row.new_values,
        "reason": act and act.reason,
        "outcome": act and act.outcome,
    }


def audit_event(row: PatientChanged) -> dict[str, Any]:
    """The FHIR R4 AuditEvent of one patient changed; the same patient's has the same id every time."""
    act = row.act
    kind = act.operation_type if act else "unknown"
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(uuid.uuid5(_EVENTS, f"{row.stream}/{row.sealed_at}/{row.patient_id}")),
        "type": {"system": _DICOM, "code": "110110", "display": "Patient Record"},
        "subtype": [{"system": "urn:cohort:operation-type", "code": kind}],
        "action": _ACTIONS.get(kind, "U"),
        "recorded": row.sealed_at.isoformat(),
        "outcome": "0",
        "agent": list(_agents(act.operator if act else "unknown", act.approver if act else None)),
        "source": {"observer": {"display": "Cohort"}},
        "entity": [
            _entity("1", "Person", role="1", means="Patient") | {"what": _patient(row)},
            _entity("2", "System Object", role="20", means="Job")
            | {"what": {"identifier": {"system": "urn:cohort:operation", "value": row.stream}}},
        ],
    }
    if act and act.reason:
        event["purposeOfEvent"] = [{"text": act.reason}]
    return event


def _patient(row: PatientChanged) -> dict[str, Any]:
    """Whom it was done to: our key, and the identifier that the practice knows them by."""
    what: dict[str, Any] = {"reference": f"Patient/{row.patient_id}"}
    if row.nhs_number:
        what["identifier"] = {"system": _NHS_NUMBER, "value": row.nhs_number}
    elif row.local_id:
        what["identifier"] = {"system": "urn:cohort:local-id", "value": row.local_id}
    return what


def _agents(operator: str, approver: str | None) -> Iterator[dict[str, Any]]:
    for name, requestor in ((operator, True), (approver, False)):
        if name is not None:
            role = "operator" if requestor else "approver"
            who = {"identifier": {"system": "urn:cohort:operator", "value": name}}
            yield {"role": [{"text": role}], "who": who, "requestor": requestor}


def _entity(kind: str, display: str, *, role: str, means: str) -> dict[str, Any]:
    return {
        "type": {"system": f"{_TERMS}/audit-entity-type", "code": kind, "display": display},
        "role": {"system": f"{_TERMS}/object-role", "code": role, "display": means},
    }


_LINES: Final[Mapping[Form, Callable[[Iterable[PatientChanged]], Iterator[bytes]]]] = {
    "csv": as_csv,
    "json": as_json,
    "fhir": as_fhir,
}
