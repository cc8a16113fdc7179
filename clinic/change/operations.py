"""
Operations as they are asked for and stored: a request is one row, and the same request twice is one.

From here on everything names an operation by its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.states import REQUESTED
from clinic.change.export.asked_before import require_not_open
from clinic.change.kinds.table import kind_of
from clinic.clock import Clock
from clinic.errors import NotFound, OperationRefused
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.tied import require_subject, require_theirs
from clinic.record.database import Record
from clinic.record.schema.change import operation, selection, selection_row
from clinic.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Request:
    """
    What somebody asks for.

    kind: of clinic/change/kinds/table.py, or "undo"
    parameters: codes and settings, of the kind
    reason: ALC-33: the business justification
    request_key: the same request again gives the same operation
    """

    kind: str
    parameters: Mapping[str, Any]
    selection_id: int
    requested_by: str
    reason: str
    request_key: str
    undo_of: int | None = None
    rerun_of: int | None = None


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation as it is stored. The counts are of patients."""

    id: int
    request_key: str
    kind: str
    parameters: Mapping[str, Any]
    selection_id: int
    undo_of: int | None
    rerun_of: int | None
    depth: int
    requested_by: str
    requested_at: datetime
    reason: str
    state: str
    state_reason: str | None
    digest: str | None
    approval_id: int | None
    selected: int
    will_change: int
    planned_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


def request_operation(record: Record, clock: Clock, settings: Settings, request: Request) -> int:
    """
    Store a request; its operation's id. Nothing is planned yet.

    Raises:
        OperationRefused: no reason is given, the parameters make no sense, or the request's key was
            used for another request
        NotFound: something that the parameters name does not exist
    """
    if not request.reason.strip():
        raise OperationRefused(
            "reason-missing", "say why: the approver and the audit trail need it"
        )
    with record.write() as connection:
        return insert_operation(connection, clock, settings, request)


def insert_operation(
    connection: Connection, clock: Clock, settings: Settings, request: Request
) -> int:
    """The same, in the caller's transaction."""
    parent = find_operation(connection, request.undo_of) if request.undo_of else None
    parameters = request.parameters
    if parent is None:
        parameters = kind_of(request.kind).require(connection, settings, parameters)
    values: dict[str, Any] = {
        "kind": request.kind,
        "parameters": orjson.dumps(dict(parameters), option=orjson.OPT_SORT_KEYS).decode(),
        "selection_id": request.selection_id,
        "undo_of": request.undo_of,
        "rerun_of": request.rerun_of,
        "requested_by": request.requested_by,
    }
    asked = sa.select(operation).where(operation.c.request_key == request.request_key)
    known = connection.execute(asked).mappings().one_or_none()
    if known is not None:
        _require_same(known, values)
        return int(known["id"])
    _require_selection(connection, request.selection_id)
    _require_theirs(connection, request)
    if request.kind == "export" and request.rerun_of is None:
        require_not_open(connection, values)
    key = connection.execute(
        sa.insert(operation)
        .values(
            **values,
            request_key=request.request_key,
            depth=0 if parent is None else parent.depth + 1,
            reason=request.reason.strip(),
            requested_at=clock.now(),
            state=REQUESTED,
        )
        .returning(operation.c.id)
    ).scalar_one()
    record_act(connection, clock, _act(int(key), request), rows={operation: [int(key)]})
    return int(key)


def _act(operation_id: int, request: Request) -> Act:
    """Who asked for it, for whom, and why: before anything is planned."""
    says = {
        "kind": request.kind,
        "selection": request.selection_id,
        "undo_of": request.undo_of,
        "rerun_of": request.rerun_of,
    }
    return Act(
        operator=request.requested_by,
        operation_type="operation.requested",
        subject="operation",
        subject_id=operation_id,
        new_values={name: value for name, value in says.items() if value is not None},
        reason=request.reason.strip(),
    )


def _require_same(known: sa.RowMapping, values: Mapping[str, Any]) -> None:
    if any(known[name] != value for name, value in values.items()):
        raise OperationRefused(
            "request-differs",
            f"this request key belongs to operation {known['id']}, which asks for something else",
        )


def _require_theirs(connection: Connection, request: Request) -> None:
    """Whose patients they are, as things stand; of one's own operation that is undone, as they were."""
    if request.undo_of:
        return require_subject(connection, request.requested_by, "operation", request.undo_of)
    c = selection_row.c
    chosen = sa.select(c.patient_id).where(c.selection_id == request.selection_id)
    return require_theirs(connection, request.requested_by, of=chosen)


def _require_selection(connection: Connection, selection_id: int) -> None:
    if not connection.execute(
        sa.select(selection.c.id).where(selection.c.id == selection_id)
    ).first():
        raise NotFound("selection-unknown", f"there is no selection {selection_id}")


def find_operation(connection: Connection, operation_id: int, *, lock: bool = False) -> Operation:
    """
    The operation. `lock`: nobody else changes its row until the transaction ends.

    Raises:
        NotFound: there is none of this number
    """
    query = sa.select(operation).where(operation.c.id == operation_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("operation-unknown", f"there is no operation {operation_id}")
    return operation_of(row)


def get_operation(record: Record, operation_id: int) -> Operation:
    """
    The operation, in a transaction of its own.

    Raises:
        NotFound: there is none of this number
    """
    with record.read() as connection:
        return find_operation(connection, operation_id)


def list_operations(
    record: Record, limit: int = 50, *, before: int | None = None
) -> list[Operation]:
    """The newest first; `before`: only those with lower numbers than this."""
    query = sa.select(operation).order_by(operation.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(operation.c.id < before)
    with record.read() as connection:
        return [operation_of(row) for row in connection.execute(query).mappings()]


def in_state(record: Record, *states: str) -> list[int]:
    """The numbers of the operations in one of these states, the oldest first."""
    with record.read() as connection:
        wanted = sa.select(operation.c.id).where(operation.c.state.in_(states))
        return list(connection.scalars(wanted.order_by(operation.c.id)))


def operation_of(row: sa.RowMapping) -> Operation:
    """The row as a value."""
    return Operation(**{**row, "parameters": orjson.loads(row["parameters"])})


def set_state(connection: Connection, operation_id: int, state: str, **values: Any) -> None:
    """The one writer of an operation's state."""
    connection.execute(
        sa.update(operation).where(operation.c.id == operation_id).values(state=state, **values)
    )
