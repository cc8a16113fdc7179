"""The trail as people ask for it, and as a file."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from clinic.change.review.deciding import decide
from clinic.cohort.import_list import take_in_ids
from clinic.errors import NotAllowed
from clinic.govern.approvals.approvals import request_approval
from clinic.govern.audit.trail import Act, record_act, verify
from clinic.govern.audit_read.export import FIELDS, as_csv, as_json, audit_event, export_trail
from clinic.govern.audit_read.read import ActRow, Asked, PatientChanged, acts, changes
from clinic.govern.people.operators import Operator
from clinic.record.database import Record
from tests.clinic.govern.trail import change
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients

OLD, NEW = {"status": "active"}, {"status": "on_hold"}
People = dict[str, Operator]


def operation(
    record: Record, clock: FakeClock, number: int, patients: list[int], **changed: Any
) -> None:
    """Operation `number` changes patients in chunks of two, then tells of itself; an hour passes."""
    told: dict[str, Any] = {
        "operator": "ann",
        "approver": "mia",
        "operation_type": "status",
        "subject": "operation",
        "subject_id": number,
        "patients_affected": len(patients),
        "reason": "insurance ends",
    }
    act = Act(**(told | changed))
    for chunk, first in enumerate(range(0, len(patients), 2), start=1):
        with record.write() as connection:
            change(connection, clock, number, chunk, patients[first : first + 2])
    with record.write() as connection:
        record_act(connection, clock, act)
    clock.sleep(3600)


def changed(record: Record, asked: Asked) -> list[tuple[str, int]]:
    with record.read() as connection:
        return [(row.stream, row.patient_id) for row in changes(connection, asked)]


def told(record: Record, asked: Asked) -> list[tuple[str, int | None]]:
    with record.read() as connection:
        return [(act.operation_type, act.subject_id) for act in acts(connection, asked)]


@pytest.fixture
def trail(governed: Record, clock: FakeClock) -> Record:
    """10:00 operation 7 on patients 1 to 5; 11:00 operation 8, by max, on 5 and 9; each took no time."""
    operation(governed, clock, 7, [1, 2, 3, 4, 5])
    operation(governed, clock, 8, [5, 9], operator="max", operation_type="tag", approver=None)
    return governed


ELEVEN = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)

# What is asked for, the operations told of, the patients
ASKED: list[tuple[Asked, list[int], list[int]]] = [
    (Asked(), [8, 7], [1, 2, 3, 4, 5, 5, 9]),
    (Asked(subject="operation", subject_id=7), [7], [1, 2, 3, 4, 5]),
    (Asked(subject="campaign", subject_id=7), [], []),
    (Asked(patient_id=5), [8, 7], [5, 5]),
    (Asked(patient_id=9), [8], [9]),
    (Asked(patient_id=7), [], []),  # inside 5 to 9 of a block, but not in it
    (Asked(patient_id=5, subject="operation", subject_id=8), [8], [5]),
    (Asked(operator="max"), [8], [5, 9]),
    (Asked(operator="mia"), [7], [1, 2, 3, 4, 5]),  # who approved
    (Asked(since=ELEVEN), [8], [5, 9]),
    (Asked(until=ELEVEN), [7], [1, 2, 3, 4, 5]),
    (Asked(since=ELEVEN, until=ELEVEN), [], []),
]


@pytest.mark.parametrize(("asked", "operations", "patients"), ASKED)
def test_the_trail_answers_by_operation_patient_operator_and_date(
    trail: Record, asked: Asked, operations: list[int], patients: list[int]
) -> None:
    """ALC-41."""
    assert [number for _, number in told(trail, asked)] == operations
    assert sorted(patient for _, patient in changed(trail, asked)) == patients


def test_an_operations_approvals_belong_to_it(
    governed: Record, clock: FakeClock, people: People
) -> None:
    for number in (7, 8):
        with governed.write() as connection:
            asked = request_approval(
                connection,
                clock,
                subject="operation",
                subject_id=number,
                kind="status",
                digest="a" * 64,
                requested_by="ann",
                summary={},
                reason="x",
                flow_run_id=None,
                expires_in=timedelta(days=1),
            )
    decide(governed, clock, asked, operator=people["mia"], decision="approved", note="")
    found = told(governed, Asked(subject="operation", subject_id=8))
    assert sorted(found) == [("approval.approved", asked), ("approval.requested", asked)]


def test_patients_of_an_operation_that_has_not_ended_are_in_the_export(
    governed: Record, clock: FakeClock
) -> None:
    with governed.write() as connection:
        change(connection, clock, 9, 1, [1], old=None)
    assert changed(governed, Asked()) == [("operation-9", 1)]
    assert changed(governed, Asked(subject="operation", subject_id=9)) == [("operation-9", 1)]
    assert changed(governed, Asked(operator="ann")) == []
    with governed.read() as connection:
        [row] = changes(connection, Asked())
    assert row.act is None
    assert orjson.loads(next(as_json([row])))["old_values"] == {"status": None}
    assert audit_event(row)["agent"][0]["who"]["identifier"]["value"] == "unknown"


def test_each_row_has_the_eight_fields_and_the_file_its_heading(
    trail: Record, clock: FakeClock, people: People, tmp_path: Path
) -> None:
    """ALC-40, ALC-41."""
    path = tmp_path / "trail.csv"
    asked = Asked(subject="operation", subject_id=7)
    count = export_trail(trail, clock, path, form="csv", asked=asked, by=people["mia"])
    rows = list(csv.DictReader(io.StringIO(path.read_text(), newline="")))
    assert (count, len(rows)) == (5, 5)
    values = {name: orjson.loads(rows[0].pop(name)) for name in ("old_values", "new_values")}
    assert values == {"old_values": OLD, "new_values": NEW}
    assert rows[0] == {
        "timestamp": "2026-03-02T10:00:00+00:00",
        "operator": "ann",
        "approver": "mia",
        "operation_type": "status",
        "operation": "operation-7",
        "patient_id": "1",
        "nhs_number": "",  # of nobody who is in the record
        "local_id": "",
        "reason": "insurance ends",
        "outcome": "done",
    }
    assert told(trail, Asked(operator="mia"))[:2] == [("audit.exported", None)] * 2
    assert verify(trail, None).holds


def test_json_lines_hold_values_as_objects(trail: Record) -> None:
    with trail.read() as connection:
        lines = list(as_json(changes(connection, Asked(operator="max"))))
    row = orjson.loads(lines[0])
    assert list(row) == list(FIELDS)
    assert (row["old_values"], row["new_values"], row["approver"]) == (OLD, NEW, None)


def test_an_empty_export_is_a_heading() -> None:
    assert list(as_csv(iter(()))) == [(",".join(FIELDS) + "\r\n").encode()]


@pytest.mark.parametrize("reason", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(reason: str) -> None:
    line = list(as_csv([_changed(reason=reason)]))[1].decode()
    [cells] = csv.reader(io.StringIO(line, newline=""))
    assert cells[FIELDS.index("reason")] == f"'{reason}"


def test_an_event_has_what_fhir_r4_requires_and_identifiers_only() -> None:
    """HL7 FHIR R4 AuditEvent: type, recorded, agent.requestor and source.observer are required."""
    event = audit_event(_changed(reason="insurance ends"))
    assert event["resourceType"] == "AuditEvent"
    assert event["type"]["code"] == "110110"
    assert datetime.fromisoformat(event["recorded"]).tzinfo is not None
    assert event["action"] in {"C", "R", "U", "D", "E"}
    assert event["outcome"] == "0"
    assert [(a["who"]["identifier"]["value"], a["requestor"]) for a in event["agent"]] == [
        ("ann", True),
        ("mia", False),
    ]
    assert event["source"]["observer"]
    assert [e["what"].get("reference") for e in event["entity"]] == ["Patient/5", None]
    assert event == audit_event(_changed(reason="insurance ends"))  # the same id each time
    assert "on_hold" not in orjson.dumps(event).decode()


def _changed(reason: str) -> PatientChanged:
    at = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    act = ActRow(
        stream="operation-7",
        number=1,
        timestamp=at,
        operator="ann",
        approver="mia",
        operation_type="status",
        patients_affected=1,
        old_values=None,
        new_values=None,
        reason=reason,
        subject="operation",
        subject_id=7,
        outcome="done",
    )
    new = '{"status":"on_hold"}'
    return PatientChanged("operation-7", 7, at, 5, '{"status":"active"}', new, act)


@pytest.mark.parametrize("who", ["ann", "tim", "root"])
def test_who_is_no_manager_takes_nothing_with_them(
    trail: Record, clock: FakeClock, people: People, who: str, tmp_path: Path
) -> None:
    path = tmp_path / "trail.csv"
    with pytest.raises(NotAllowed) as refusal:
        export_trail(trail, clock, path, form="csv", asked=Asked(), by=people[who])
    assert refusal.value.code == "audit-role"
    assert not path.exists()


def _many(count: int) -> Iterator[PatientChanged]:
    row = _changed(reason="x")
    for number in range(count):
        yield PatientChanged(row.stream, 7, row.sealed_at, number, "{}", "{}", row.act)


def test_ten_times_the_patients_need_no_more_memory() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in as_csv(_many(count)):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(100)  # what is imported and cached on first use
    # Kept rows would be 4 MB and more. What other threads of the process take meanwhile is counted too
    assert min(peak(20_000) for _ in range(3)) < peak(2_000) + 1_000_000


def test_a_campaigns_trail_begins_with_its_own_list(governed: Record, clock: FakeClock) -> None:
    """NEW-10: who took in whom the campaign is for."""
    add_patients(governed, 1)
    lists = [
        take_in_ids(governed, clock, ["L1"], request_key=key, name="One", taken_by="ann")
        for key in ("theirs", "its")
    ]
    number = add_campaign(governed, clock, 1, list_id=lists[1])
    about = Asked(subject="campaign", subject_id=number)
    assert told(governed, about) == [("list.taken", lists[1])]
