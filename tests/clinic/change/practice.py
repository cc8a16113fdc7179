"""A practice small enough to read, and the steps of an operation as its flow takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from clinic.change.core.locks import holder_of
from clinic.change.operations import Request, get_operation, request_operation
from clinic.change.review.approve import ask
from clinic.change.review.checklist import require_ready
from clinic.change.review.deciding import decide
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.change.run.plan import make_plan
from clinic.change.run.summary import Summary
from clinic.govern.people.operators import Operator
from clinic.record.database import Record
from clinic.record.schema.change import operation_item
from clinic.record.schema.govern import operator
from clinic.record.schema.people import (
    appointment,
    facility,
    patient,
    patient_tag,
    provider,
    tag,
)
from clinic.record.statistics import count_grown
from clinic.settings import Operations, Settings
from tests.fakes import FakeClock
from tests.selections import select_ids

MANAGER = Operator("mia", "manager", active=True)
LEAD = Operator("tom", "team_lead", active=True)
ASKER = Operator("ann", "operator", active=True)
# Chunks of two patients: every operation here has several
SETTINGS = Settings(operations=Operations(chunk_size=2))
VISIT = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)  # a week after the tests' clock


def staff(record: Record) -> None:
    """Ann asks, Tom leads a team, Mia is a manager. Nobody types a secret here."""
    with record.write() as connection:
        connection.execute(
            sa.insert(operator),
            [
                {
                    "name": each.name,
                    "role": each.role,
                    "secret_hash": "unused",
                    "created_at": datetime.now(UTC),  # whoever is not here for long is disabled
                    "created_by": "tests",
                }
                for each in (MANAGER, LEAD, ASKER)
            ],
        )


def places(record: Record) -> None:
    """Facility F1 with providers P1 and P2, F2 with P3 (its default) and P4, who has room for two."""
    with record.write() as connection:
        connection.execute(
            sa.insert(facility),
            [
                {"id": 1, "code": "F1", "name": "North", "default_provider_id": 1},
                {"id": 2, "code": "F2", "name": "South", "default_provider_id": 3},
                {"id": 3, "code": "F3", "name": "New", "default_provider_id": None},
            ],
        )
        connection.execute(
            sa.insert(provider),
            [
                {"id": n, "code": f"P{n}", "name": f"Dr {n}", "facility_id": f, "capacity": c}
                for n, f, c in ((1, 1, None), (2, 1, 4), (3, 2, None), (4, 2, 2))
            ],
        )
        connection.execute(
            sa.insert(tag), [{"id": n, "code": c, "name": c} for n, c in enumerate(("a", "b"), 1)]
        )


def patients(record: Record, count: int = 6, *, first: int = 1, **values: Any) -> None:
    """`count` patients from `first`, with own ids L1, L2 …; Active, at F1 with P1 unless told."""
    usual = {"status": "active", "facility_id": 1, "provider_id": 1, "postcode": "ab1 2cd"}
    with record.write() as connection:
        connection.execute(
            sa.insert(patient),
            [
                {"id": n, "local_id": f"L{n}", "given_name": "Given", "family_name": f"Family{n}"}
                | usual
                | values
                for n in range(first, first + count)
            ],
        )
        count_grown(connection, patient)  # as an import does


def practice(record: Record, count: int = 6) -> None:
    """All of it."""
    staff(record)
    places(record)
    patients(record, count)


def visits(record: Record, rows: Iterable[tuple[int, int, int | None, int, int]]) -> None:
    """Booked visits: (id, patient, provider, facility, days from the tests' now)."""
    with record.write() as connection:
        connection.execute(
            sa.insert(appointment),
            [
                {
                    "id": key,
                    "patient_id": whose,
                    "provider_id": by,
                    "facility_id": where,
                    "starts_at": VISIT + timedelta(days=days - 7),
                }
                for key, whose, by, where, days in rows
            ],
        )


def update(record: Record, patient_id: int, **values: Any) -> None:
    """Somebody edits a patient by hand, as the rule of versions asks."""
    with record.write() as connection:
        connection.execute(
            sa.update(patient)
            .where(patient.c.id == patient_id)
            .values(**values, version=patient.c.version + 1)
        )


def die(record: Record, patient_id: int) -> None:
    """The patient dies."""
    update(record, patient_id, death_date=date(2026, 2, 1))


def asked(
    record: Record,
    clock: FakeClock,
    kind: str,
    parameters: Mapping[str, Any],
    ids: Iterable[int],
    *,
    settings: Settings = SETTINGS,
    key: str = "",
) -> int:
    """Ann selects patients by their own ids and asks for an operation; its id."""
    given = [f"L{n}" for n in ids]
    taken = select_ids(record, clock, settings, given, source="ids", taken_by="ann")
    return asked_for(record, clock, kind, parameters, taken.id, settings=settings, key=key)


def asked_for(
    record: Record,
    clock: FakeClock,
    kind: str,
    parameters: Mapping[str, Any],
    selection_id: int,
    *,
    settings: Settings = SETTINGS,
    key: str = "",
) -> int:
    """Ann asks for an operation on a selection that she made; its id."""
    if kind == "export":
        parameters = {"purpose": "administration", "recipient": "the ICB", **parameters}
    request = Request(
        kind=kind,
        parameters=parameters,
        selection_id=selection_id,
        requested_by="ann",
        reason="the tests need it",
        request_key=key or f"{kind}-{selection_id}",
    )
    return request_operation(record, clock, settings, request)


def reviewed(
    record: Record, clock: FakeClock, operation_id: int, *, settings: Settings = SETTINGS
) -> int:
    """Planned, checked, and waiting for an approval; the approval's number."""
    make_plan(record, clock, settings, operation_id)
    require_ready(record, clock, settings, operation_id)
    ask(record, clock, settings, operation_id, flow_run_id=None)
    return get_operation(record, operation_id).approval_id or 0


def approved(
    record: Record, clock: FakeClock, operation_id: int, *, settings: Settings = SETTINGS
) -> None:
    """Mia approves it, whatever its checklist says that may be overridden."""
    number = reviewed(record, clock, operation_id, settings=settings)
    decide(
        record, clock, number, operator=MANAGER, decision="approved", note="yes", override="wanted"
    )


def applied(
    record: Record, clock: FakeClock, operation_id: int, *, settings: Settings = SETTINGS
) -> Summary:
    """All of what is approved, to the end."""
    begin(record, clock, operation_id)
    for number in chunks_left(record, operation_id):
        apply_chunk(record, clock, operation_id, number)
    return finish(record, clock, settings, operation_id)


def done(
    record: Record, clock: FakeClock, operation_id: int, *, settings: Settings = SETTINGS
) -> Summary:
    """Approved and applied."""
    approved(record, clock, operation_id, settings=settings)
    return applied(record, clock, operation_id, settings=settings)


def column(record: Record, name: str) -> dict[int, Any]:
    """Patient → the column's value."""
    with record.read() as connection:
        found = connection.execute(sa.select(patient.c.id, patient.c[name]).order_by(patient.c.id))
        return dict(found.tuples().all())


def visit_column(record: Record, name: str) -> dict[int, Any]:
    """Visit → the column's value."""
    with record.read() as connection:
        found = connection.execute(sa.select(appointment.c.id, appointment.c[name]))
        return dict(found.tuples().all())


def tags_of(record: Record) -> set[tuple[int, int]]:
    """Every patient and tag."""
    with record.read() as connection:
        return set(connection.execute(sa.select(patient_tag)).tuples().all())


def outcomes(record: Record, operation_id: int) -> dict[int, str]:
    """Patient → the outcome of their own item; a visit's or tag's if there is no other."""
    with record.read() as connection:
        found = connection.execute(
            sa.select(operation_item.c.patient_id, operation_item.c.outcome)
            .where(operation_item.c.operation_id == operation_id)
            .order_by(operation_item.c.patient_id, operation_item.c.subject_id.desc())
        )
        return dict(found.tuples().all())


def locks(record: Record) -> dict[int, int]:
    """Patient → the running operation that holds them."""
    who = holder_of(patient.c.id)
    with record.read() as connection:
        rows = connection.execute(sa.select(patient.c.id, who).where(who.is_not(None)))
        return dict(rows.tuples().all())
