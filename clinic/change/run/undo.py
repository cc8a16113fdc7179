"""
Undo (NEW-2, ALC-38): an operation that puts back what another one wrote, planned from its before-images.

What is in the record now decides, field by field:

    patient no longer there, or deceased since       kept, listed
    the value is already the old one             nothing to do
    a later operation changed the field too      kept, listed: undo that one first
    somebody else changed it, or changed it back kept, listed: it is theirs now
    only other fields were changed since         this field alone is put back, theirs stay
    nothing was changed since                    put back

Of a subset, who was not in that operation or was left as they were by it is listed so, never dropped.

An undo is an operation like any other: reviewed, approved by another person, audited, and undone in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, FromClause

from clinic.change.core.operation_kind import (
    Items,
    Reason,
    has_died,
    held_by_another,
    item_columns,
    restricted,
)
from clinic.change.core.outcomes import (
    ALREADY_SO,
    CHANGED_BACK,
    CHANGED_SINCE,
    LATER_OPERATION,
    NOT_CHANGED_BY_IT,
    NOT_IN_OPERATION,
    PATIENT_GONE,
    SELECTED,
    WILL_CHANGE,
)
from clinic.change.core.part import Part
from clinic.change.core.states import DONE, DONE_WITH_CONFLICTS, RUNNING
from clinic.change.fields import FIELDS, fields_in
from clinic.change.kinds.table import UNDO, kind_of
from clinic.change.operations import (
    Operation,
    Request,
    find_operation,
    insert_operation,
)
from clinic.clock import Clock
from clinic.errors import OperationRefused
from clinic.record.database import Record
from clinic.record.schema.change import (
    field_edit,
    operation,
    operation_chunk,
    operation_item,
    selection_row,
)
from clinic.record.schema.govern import destruction
from clinic.record.schema.people import patient
from clinic.settings import Settings


def request_undo(
    record: Record,
    clock: Clock,
    settings: Settings,
    *,
    of: int,
    requested_by: str,
    reason: str,
    request_key: str,
    selection_id: int | None = None,
    partly: bool = False,
) -> int:
    """
    Ask for an operation to be undone; the new operation's id.

    Args:
        selection_id: only these patients; None: all whom it changed
        partly: leave out, instead of refusing, those whom a later operation changed

    Raises:
        NotFound: there is no such operation
        OperationRefused: it has not ended, changed nothing, cannot be undone (ALC-39: N/A), or is
            being undone already
    """
    if not reason.strip():
        raise OperationRefused(
            "reason-missing", "say why: the approver and the audit trail need it"
        )
    with record.write() as connection:
        # Its row is locked: two who ask at once come one after the other
        original = find_operation(connection, of, lock=True)
        _require_undoable(connection, original, request_key)
        request = Request(
            kind=UNDO,
            parameters={"of": of, "partly": partly},
            selection_id=original.selection_id if selection_id is None else selection_id,
            requested_by=requested_by,
            reason=reason,
            request_key=request_key,
            undo_of=of,
        )
        return insert_operation(connection, clock, settings, request)


def _require_undoable(connection: Connection, original: Operation, request_key: str) -> None:
    if original.kind != UNDO and not kind_of(original.kind).undoable:
        raise OperationRefused(
            "undo-impossible", "what was sent or exported cannot be called back: undo is N/A"
        )
    if original.state not in (DONE, DONE_WITH_CONFLICTS):
        raise OperationRefused(
            "undo-not-ended", f"operation {original.id} is {original.state}: nothing to undo"
        )
    d = destruction.c
    gone = (d.subject == "operation") & (d.subject_id == original.id)
    if connection.scalar(sa.select(sa.exists().where(gone))):
        raise OperationRefused(
            "undo-values-gone",
            f"the values from before operation {original.id} went when their time was over: put right by hand "
            "what is wrong",
        )
    # One that is only asked for blocks nothing: what is put back already is found when it is decided
    open_one = connection.scalar(
        sa.select(operation.c.id).where(
            operation.c.undo_of == original.id,
            operation.c.state == RUNNING,
            operation.c.request_key != request_key,
        )
    )
    if open_one is not None:
        raise OperationRefused(
            "undo-open",
            f"operation {open_one} is undoing it already; see: cohort operations show {open_one}",
        )


def undo_items(connection: Connection, asked: Operation) -> Iterator[Items]:
    """SELECTs of the items that undo `asked.undo_of`, one a chunk and field of it."""
    original = find_operation(connection, asked.undo_of or 0)
    chunks = connection.execute(
        sa.select(operation_chunk)
        .where(operation_chunk.c.operation_id == original.id, operation_chunk.c.state == "applied")
        .order_by(operation_chunk.c.number)
    ).all()
    for chunk in chunks:
        part = Part(original.id, chunk.first_patient, chunk.last_patient)
        for name in fields_in(connection, part):
            yield _items(asked, part, name, edits_seen=chunk.edits_seen)
    if asked.selection_id != original.selection_id:
        yield _not_concerned(asked, original)


def _not_concerned(asked: Operation, original: Operation) -> Items:
    """Those of a subset of whom nothing is to be put back; everybody else has an item by now."""
    row, own, done = selection_row.c, operation_item.alias("own"), operation_item.alias("done")
    nothing = sa.cast(sa.null(), sa.Text)
    was_in = sa.exists().where(
        done.c.operation_id == original.id, done.c.patient_id == row.patient_id
    )
    has_item = sa.exists().where(own.c.operation_id == asked.id, own.c.patient_id == row.patient_id)
    return (
        sa.select(
            sa.literal(asked.id),
            row.patient_id,
            sa.literal("patient"),
            sa.literal(0),
            sa.case((was_in, NOT_CHANGED_BY_IT), else_=NOT_IN_OPERATION),
            nothing,
            nothing,
            nothing,
            sa.literal(0),
        )
        .where(row.selection_id == asked.selection_id, row.outcome == SELECTED, sa.not_(has_item))
        .order_by(row.patient_id)
    )


def _items(asked: Operation, part: Part, name: str, *, edits_seen: int) -> Items:
    field = FIELDS[name]
    done = operation_item.alias("done")
    holder, found = field.holder(done, part)
    value = field.value(done, holder)
    joined = done.outerjoin(patient, patient.c.id == done.c.patient_id).outerjoin(holder, found)
    # A range of patients, or SQLite would read the whole selection for each of them
    selected = sa.select(selection_row.c.patient_id).where(
        selection_row.c.selection_id == asked.selection_id,
        selection_row.c.patient_id.between(part.first, part.last),
        selection_row.c.outcome == SELECTED,
    )
    return item_columns(
        sa.select()
        .select_from(joined)
        .where(part.changing(name, items=done), done.c.patient_id.in_(selected)),
        operation_id=asked.id,
        patient_id=done.c.patient_id,
        field=name,
        subject=done.c.subject_id,
        old=value,
        new=done.c.old,
        version=sa.func.coalesce(holder.c.version, 0),
        reasons=_reasons(done, holder, value, edits_seen),
    )


def _reasons(
    done: FromClause, holder: FromClause, value: ColumnElement[Any], edits_seen: int
) -> tuple[Reason, ...]:
    """Why a field is not put back, the first that holds."""
    steps = _steps_since(done)
    touched = holder.c.version != done.c.version_before + 1
    later = sa.exists().where(sa.or_(steps.c.height < 0, steps.c.last_height != 0))
    edited = sa.exists().where(
        field_edit.c.patient_id == done.c.patient_id,
        field_edit.c.field == done.c.field,
        field_edit.c.subject_id == done.c.subject_id,
        field_edit.c.id > edits_seen,
    )
    ours = value.is_not_distinct_from(done.c.new)
    return (
        Reason(sa.or_(patient.c.id.is_(None), holder.c.id.is_(None)), PATIENT_GONE),
        held_by_another(done.c.patient_id),
        restricted(done.c.patient_id),
        has_died(),
        Reason(value.is_not_distinct_from(done.c.old), ALREADY_SO),
        Reason(sa.and_(touched, later), LATER_OPERATION, _to_undo_first(steps)),
        Reason(~ours, CHANGED_SINCE),
        Reason(edited, CHANGED_BACK),
    )


def _steps_since(done: FromClause) -> sa.Subquery:
    """
    The operations that changed the same field of the same patient later, as steps up and down.

    An operation is a step up, its undo a step down, the undo of that one up again. Where the steps
    since come back to the ground and never went below it, the field is as `done` left it.
    """
    later, by = operation_item.alias("later"), operation.alias("by")
    applied = sa.exists().where(
        operation_chunk.c.operation_id == later.c.operation_id,
        operation_chunk.c.state == "applied",
        later.c.patient_id.between(operation_chunk.c.first_patient, operation_chunk.c.last_patient),
    )
    step = sa.case((by.c.depth % 2 == 0, 1), else_=-1)
    order = later.c.version_before  # every operation raises it
    return (
        sa.select(
            later.c.operation_id,
            order.label("at"),
            step.label("step"),
            sa.func.sum(step).over(order_by=order).label("height"),
            sa.func.sum(step).over().label("last_height"),
        )
        .select_from(later.join(by, by.c.id == later.c.operation_id))
        .where(
            later.c.patient_id == done.c.patient_id,
            later.c.field == done.c.field,
            later.c.subject_id == done.c.subject_id,
            later.c.outcome == WILL_CHANGE,
            later.c.version_before > done.c.version_before,
            applied,
        )
        .correlate(done)
        .subquery()
    )


def _to_undo_first(steps: sa.Subquery) -> ColumnElement[str]:
    """The number of the operation that is on top now."""
    return (
        sa.select(sa.cast(steps.c.operation_id, sa.Text))
        .where(steps.c.step == 1, steps.c.height == steps.c.last_height)
        .order_by(steps.c.at.desc())
        .limit(1)
        .scalar_subquery()
    )
