"""
Applies an approved operation: chunk by chunk, each in one transaction, each at most once.

    begin          digest made again, approval used, patients held: one transaction
    apply_chunk    versions checked, fields written, audit block chained, counts: one transaction
    finish         counted, follow-ups listed, act written, its patients free: one transaction

Killed at any instant, a chunk is applied with its audit or not at all; running again does what is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.edit_mute import announce, withdraw
from clinic.change.core.locks import leave_out_held, wait_to_begin
from clinic.change.core.outcomes import FAILED, WILL_CHANGE
from clinic.change.core.part import Part
from clinic.change.core.states import APPROVED, CHANGED_SOMETHING, PLANNED, RUNNING, WAITING
from clinic.change.digest import digest_of
from clinic.change.fields import FIELDS, ColumnField, fields_in, raise_versions
from clinic.change.kinds.table import UNDO, kind_of
from clinic.change.operations import Operation, find_operation, set_state
from clinic.change.run.conflicts import (
    GoingBy,
    any_restricted,
    found_at_apply,
    leave_differing,
    lock_holders,
    mark_conflicts,
)
from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.approvals.approvals import require_approved
from clinic.govern.audit.chain import Seal
from clinic.govern.audit.trail import seal_chunk
from clinic.record.database import Record
from clinic.record.schema.change import field_edit, operation_chunk, operation_item

PLANNED_CHUNK = "planned"
APPLIED_CHUNK = "applied"


def begin(record: Record, clock: Clock, operation_id: int) -> None:
    """
    Use the approval up and lock the patients; an operation that has begun already is left as it is.

    Raises:
        NotAllowed: not approved, or what was approved is not what stands in the database now
    """
    with record.write() as connection:
        wait_to_begin(connection)
        planned = find_operation(connection, operation_id, lock=True)
        if planned.state in CHANGED_SOMETHING:
            return
        if planned.state not in (PLANNED, WAITING, APPROVED):
            raise NotAllowed(
                "operation-ended", f"operation {operation_id} is {planned.state}: ask for it again"
            )
        approved = require_approved(
            connection,
            subject="operation",
            subject_id=operation_id,
            digest=digest_of(connection, planned),
            now=clock.now(),
        )
        leave_out_held(connection, operation_id)
        set_state(
            connection,
            operation_id,
            RUNNING,
            started_at=clock.now(),
            approval_id=approved.id,
            state_reason=None,
        )


def chunks_left(record: Record, operation_id: int) -> list[int]:
    """The numbers of the chunks that are not applied."""
    with record.read() as connection:
        return list(
            connection.execute(
                sa.select(operation_chunk.c.number)
                .where(
                    operation_chunk.c.operation_id == operation_id,
                    operation_chunk.c.state == PLANNED_CHUNK,
                )
                .order_by(operation_chunk.c.number)
            ).scalars()
        )


class Wanted(NamedTuple):
    """A field of a patient that is to be changed: values as the items keep them."""

    patient_id: int
    field: str
    subject_id: int
    old: str | None
    new: str | None


class _Claimed(NamedTuple):
    """A chunk that we apply: its patients, and what was sealed of it when it was approved."""

    first_patient: int
    last_patient: int
    size: int
    root: bytes | None
    marks: bytes | None


def apply_chunk(
    record: Record,
    clock: Clock,
    operation_id: int,
    number: int,
    *,
    kept: Mapping[int, str] = MappingProxyType({}),
) -> None:
    """
    Apply one chunk; one that is applied already is left as it is.

    Patients whom somebody changed since the review keep what they have and are listed (conflicts);
    an item that the database refuses is `failed` and alone.

    Args:
        kept: patients whom the clinical record outside does not let change, each with a code: they stay too

    Raises:
        NotAllowed: the operation is not running
    """
    with record.write() as connection:
        running = find_operation(connection, operation_id)
        if running.state != RUNNING:
            raise NotAllowed(
                "operation-not-running", f"operation {operation_id} is {running.state}"
            )
        chunk = _claim(connection, operation_id, number, clock.now())
        if chunk is None:
            return
        part = Part(operation_id, chunk.first_patient, chunk.last_patient)
        fields = fields_in(connection, part)
        announce(connection, operation_id)
        leave_differing(connection, part, kept)
        usable = not kept and not any_restricted(connection, part, fields)
        at_once = usable and _write_at_once(connection, part, fields, chunk.size)
        whole = at_once or _write_singly(connection, part, fields, _going_by(running))
        whole = whole and not kept
        withdraw(connection)
        applied = seal_chunk(
            connection,
            clock,
            operation_id=operation_id,
            chunk=number,
            patients=(part.first, part.last),
            approved=_as_approved(chunk) if at_once else None,
        )
        _count(connection, part, number, applied=applied, whole=whole)


def would_change(
    record: Record, operation_id: int, number: int, fields: Sequence[str]
) -> list[Wanted]:
    """
    The items of these fields that a chunk would change if it were applied now: judged as then, and undone.

    None of a chunk that is applied already, or of an operation that does not run.
    """
    c, i = operation_chunk.c, operation_item.c
    with record.write() as connection, connection.begin_nested() as savepoint:
        running = find_operation(connection, operation_id)
        chunk = connection.execute(
            sa.select(c.first_patient, c.last_patient).where(
                c.operation_id == operation_id, c.number == number, c.state == PLANNED_CHUNK
            )
        ).one_or_none()
        if chunk is None or running.state != RUNNING:
            return []
        part = Part(operation_id, chunk.first_patient, chunk.last_patient)
        announce(connection, operation_id)
        mark_conflicts(connection, part, fields_in(connection, part), _going_by(running))
        found = connection.execute(
            sa.select(*(i[name] for name in Wanted._fields))
            .where(part.changing(*fields))
            .order_by(i.patient_id, i.field, i.subject_id)
        ).all()
        savepoint.rollback()
        return [Wanted._make(row) for row in found]


def _claim(
    connection: Connection, operation_id: int, number: int, now: datetime
) -> _Claimed | None:
    """The chunk, marked as applied; None: somebody else has applied it."""
    c = operation_chunk.c
    row = connection.execute(
        sa.update(operation_chunk)
        .where(c.operation_id == operation_id, c.number == number, c.state == PLANNED_CHUNK)
        .values(state=APPLIED_CHUNK, applied_at=now)
        .returning(*(c[name] for name in _Claimed._fields))
    ).one_or_none()
    return None if row is None else _Claimed._make(row)


def _as_approved(chunk: _Claimed) -> Seal | None:
    return None if chunk.root is None else Seal(chunk.size, chunk.root, chunk.marks or b"")


def _write_at_once(
    connection: Connection, part: Part, fields: tuple[str, ...], patients: int
) -> bool:
    """The usual case in one statement: one column of patients whom nobody changed. Else nothing."""
    field = FIELDS[fields[0]] if len(fields) == 1 else None
    if not isinstance(field, ColumnField) or field.of_visit:
        return False
    try:
        with connection.begin_nested() as savepoint:
            everybody = field.write_if_unchanged(connection, part) == patients
            if not everybody:
                savepoint.rollback()
    except sa.exc.OperationalError:
        raise  # the server, not a row
    except sa.exc.DatabaseError:
        return False
    return everybody


def _going_by(running: Operation) -> GoingBy:
    if running.kind == UNDO:
        return GoingBy()
    kind = kind_of(running.kind)
    return GoingBy(version=kind.by_version(running.parameters), dead_stay=kind.dead_stay)


def _write_singly(
    connection: Connection, part: Part, fields: tuple[str, ...], going_by: GoingBy
) -> bool:
    """Several fields, or somebody was changed: first see who, then write the others. Whether it was all."""
    lock_holders(connection, part, fields)
    nobody = not mark_conflicts(connection, part, fields, going_by)
    return _write(connection, part, fields) and nobody


def _write(connection: Connection, part: Part, fields: tuple[str, ...]) -> bool:
    """Write the fields; what the database refuses is narrowed down to the patient. Whether all went."""
    try:
        with connection.begin_nested():
            own = tuple(name for name in fields if not FIELDS[name].of_visit)
            alone = len(own) == 1 and own != ("tag",)
            for name in fields:
                FIELDS[name].write(connection, part, alone=alone)
            if own and not alone:
                raise_versions(connection, part, own)
    except sa.exc.OperationalError:
        raise  # the server, not a row
    except sa.exc.DatabaseError:
        _narrow(connection, part, fields)
        return False
    return True


def _narrow(connection: Connection, part: Part, fields: tuple[str, ...]) -> None:
    """Try each half by itself; a single patient who is refused has failed."""
    if part.first == part.last:
        connection.execute(
            sa.update(operation_item)
            .where(part.changing(*fields))
            .values(outcome=FAILED, detail="refused")
        )
        return
    middle = (part.first + part.last) // 2
    _write(connection, Part(part.operation_id, part.first, middle), fields)
    _write(connection, Part(part.operation_id, middle + 1, part.last), fields)


def _count(connection: Connection, part: Part, number: int, *, applied: int, whole: bool) -> None:
    """How many patients were changed, kept or failed, and which edits were made before."""
    last_edit = sa.select(sa.func.coalesce(sa.func.max(field_edit.c.id), 0)).scalar_subquery()
    failed, kept = (0, 0) if whole else _not_changed(connection, part)
    connection.execute(
        sa.update(operation_chunk)
        .where(
            operation_chunk.c.operation_id == part.operation_id, operation_chunk.c.number == number
        )
        .values(applied=applied, failed=failed, conflicts=kept, edits_seen=last_edit)
    )


def _not_changed(connection: Connection, part: Part) -> tuple[int, int]:
    """Patients of whom nothing was changed: whom the database refused, and whom somebody else changed."""
    i = operation_item.c
    worst = sa.func.max(sa.case((i.outcome == WILL_CHANGE, 2), (i.outcome == FAILED, 1), else_=0))
    each = (
        sa.select(worst.label("worst"))
        .where(part.items(), sa.or_(i.outcome == WILL_CHANGE, found_at_apply()))
        .group_by(i.patient_id)
        .subquery()
    )
    found = connection.execute(
        sa.select(
            sa.func.count().filter(each.c.worst == 1), sa.func.count().filter(each.c.worst == 0)
        )
    ).one()
    return int(found[0]), int(found[1])
