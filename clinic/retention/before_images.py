"""
Old and new values of operations, 24 months after their end: that it was done, to whom and by whom stays.

The values are sealed where they stand. They become a stub by a redaction: the chain of the operation says which
blocks changed, from which root to which, and who decided it. Such an operation is not undone any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.states import ENDED
from clinic.clock import Clock
from clinic.govern.held import held
from clinic.govern.redact.sealed import redact
from clinic.record.database import Record
from clinic.record.schema.change import operation, operation_item, selection_row
from clinic.record.schema.govern import ERASED, REMOVED, audit_block, destruction, legal_hold
from clinic.record.schema.visits import visit_plan
from clinic.retention.age import months_before
from clinic.retention.due import Due
from clinic.retention.opened import Opened
from clinic.retention.stubs import digest_of_keys
from clinic.settings.operations import Retention

WHAT: Final = "before-images"
BLOCK: Final = 20  # chunks of 1,000 patients at most

_o, _i = operation.c, operation_item.c
_STUBS: Final = (ERASED, REMOVED)
_HAS_VALUE: Final = _i.old.not_in(_STUBS) | _i.new.not_in(_STUBS)
_IS_HELD: Final = _i.patient_id.in_(held("patient"))


def plan(connection: Connection, now: datetime, settings: Retention) -> Due:
    """How many operations, how many fields of patients in them, and in how many some are held."""
    ids = due(connection, now, settings)
    rows = connection.scalar(
        sa.select(sa.func.count()).where(_i.operation_id.in_(ids), _HAS_VALUE, ~_IS_HELD)
    )
    oldest = connection.scalar(sa.select(sa.func.min(_o.finished_at)).where(_o.id.in_(ids)))
    with_held = sa.exists().where(_i.operation_id == _o.id, _HAS_VALUE, _IS_HELD)
    is_held = connection.scalar(
        sa.select(sa.func.count()).select_from(operation).where(_ended(now, settings), with_held)
    )
    authority = f"retention.before_image_months {settings.before_image_months}"
    return Due(
        WHAT, len(ids), int(rows or 0), oldest and months_before(oldest, -settings.before_image_months),
        int(is_held or 0), "decision", authority,
    )  # fmt: skip


def due(connection: Connection, now: datetime, settings: Retention) -> list[int]:
    """Numbers of operations. One that is done with is not read again, but for a hold that was lifted since."""
    lifted = (
        sa.select(sa.func.max(legal_hold.c.lifted_at))
        .where(legal_hold.c.subject == "patient")
        .scalar_subquery()
    )
    done = sa.exists().where(
        destruction.c.what == WHAT, destruction.c.subject == "operation",
        destruction.c.subject_id == _o.id, lifted.is_(None) | (destruction.c.gone_at >= lifted),
    )  # fmt: skip
    left = sa.exists().where(_i.operation_id == _o.id, _HAS_VALUE, ~_IS_HELD)
    query = sa.select(_o.id).where(_ended(now, settings), ~done, left)
    return list(connection.scalars(query.order_by(_o.id)))


def before(now: datetime, settings: Retention) -> datetime:
    """What ended later keeps its values."""
    return months_before(now, settings.before_image_months)


def remove(record: Record, clock: Clock, settings: Retention, opened: Opened) -> int:
    """Take the values out of every operation that is due; how many operations."""
    with record.read() as connection:
        ids = due(connection, opened.at, settings)
    for number in ids:
        _one(record, clock, opened, number)
    return len(ids)


def _one(record: Record, clock: Clock, opened: Opened, number: int) -> None:
    b = audit_block.c
    stream = f"operation-{number}"
    with record.read() as connection:
        blocks = connection.execute(
            sa.select(b.number, b.first_patient, b.last_patient)
            .where(b.stream == stream, b.holds == "items")
            .order_by(b.first_patient)
        ).all()
    mine = (_i.operation_id == number) & _HAS_VALUE & ~_IS_HELD
    for start in range(0, len(blocks), BLOCK):
        some = blocks[start : start + BLOCK]
        patients = _i.patient_id.between(some[0].first_patient, some[-1].last_patient)
        with record.write() as connection:
            _redact(
                connection, clock, opened, [(stream, one.number) for one in some], mine & patients
            )
    with record.write() as connection:
        _redact(connection, clock, opened, (), mine)  # those that were not changed
        _typed_and_planned(connection, opened, number)
        gone = (_i.operation_id == number) & ((_i.old == REMOVED) | (_i.new == REMOVED))
        emptied = sa.select(_i.patient_id).where(gone).order_by(_i.patient_id)  # a key a field
        keys = list(connection.scalars(emptied))
        opened.leave_stub(connection, WHAT, ("operation", number), len(keys), digest_of_keys(keys))


def _redact(
    connection: Connection,
    clock: Clock,
    opened: Opened,
    blocks: Sequence[tuple[str, int]],
    which: sa.ColumnElement[bool],
) -> None:
    def change(writing: Connection) -> None:
        values: dict[str, Any] = {
            name: sa.case((_i[name].is_not(None), REMOVED)) for name in ("old", "new")
        }
        writing.execute(sa.update(operation_item).where(which).values(values))

    redact(connection, clock, opened.decision, rows={}, blocks=blocks, change=change)


def _typed_and_planned(connection: Connection, opened: Opened, number: int) -> None:
    """The visits as they were planned, and the ids as they were typed, where no later operation needs them."""
    v, s = visit_plan.c, selection_row.c
    connection.execute(
        sa.update(visit_plan)
        .where(v.operation_id == number, v.patient_id.not_in(held("patient")))
        .values(
            visit_type=REMOVED, told=None, starts_at=None, ends_at=None, looks_back_to=None,
            provider_id=None, facility_id=None,
        )
    )  # fmt: skip
    other = operation.alias("other")
    needed = sa.exists().where(
        other.c.selection_id == s.selection_id,
        other.c.finished_at.is_(None) | (other.c.finished_at >= opened.before),
    )
    connection.execute(
        sa.update(selection_row)
        .where(
            s.selection_id == sa.select(_o.selection_id).where(_o.id == number).scalar_subquery(),
            s.given.is_not(None), ~needed,
            s.patient_id.is_(None) | s.patient_id.not_in(held("patient")),
        )
        .values(given=REMOVED)
    )  # fmt: skip


def _ended(now: datetime, settings: Retention) -> sa.ColumnElement[bool]:
    return _o.state.in_(list(ENDED)) & (_o.finished_at < before(now, settings))
