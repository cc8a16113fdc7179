"""
The same export of the same patients, asked for before: data that left twice is one leak too many.

One that is still open is not asked for again: the requester is led to it. One whose file was written stands
beside the review, for the month's report may be meant again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.states import BEFORE, DONE, DONE_WITH_CONFLICTS, RUNNING
from clinic.errors import OperationRefused
from clinic.record.database import Record
from clinic.record.schema.change import operation, selection

RECENT: Final = timedelta(days=35)  # the last month's report, and a few days


def require_not_open(connection: Connection, values: Mapping[str, Any]) -> None:
    """
    Refuse an export that waits or runs already, whoever asked for it; `values`: of the new operation.

    Raises:
        OperationRefused: which one it is, and where to look
    """
    found = connection.execute(
        _same(values).where(operation.c.state.in_([*BEFORE, RUNNING])).limit(1)
    ).one_or_none()
    if found is not None:
        raise OperationRefused(
            "export-asked",
            f"the same export of the same patients is operation {found.id}, asked for by "
            f"{found.requested_by}, and is {found.state}: nothing was asked for again; see: "
            f"cohort operations show {found.id}",
        )


def written_before(record: Record, operation_id: int, now: datetime) -> str:
    """When the same export was written last, and by whom; empty: not within the last five weeks."""
    c = operation.c
    with record.read() as connection:
        own = connection.execute(sa.select(operation).where(c.id == operation_id)).one()
        if own.kind != "export":
            return ""
        found = connection.execute(
            _same(
                {"kind": own.kind, "parameters": own.parameters, "selection_id": own.selection_id}
            )
            .where(
                c.id != operation_id,
                c.state.in_([DONE, DONE_WITH_CONFLICTS]),
                c.finished_at > now - RECENT,
            )
            .order_by(c.id.desc())
            .limit(1)
        ).one_or_none()
    if found is None:
        return ""
    return (
        f"The same export of the same patients was written by operation {found.id} on "
        f"{found.finished_at:%-d %b %Y}, asked for by {found.requested_by}: cohort operations show {found.id}"
    )


def _same(values: Mapping[str, Any]) -> sa.Select[Any]:
    """Operations of the same kind and parameters, of as many patients, who are the same."""
    c, other = operation.c, selection.alias()
    patients = (
        sa.select(selection.c.sha256).where(selection.c.id == values["selection_id"])
    ).scalar_subquery()
    return (
        sa.select(c.id, c.requested_by, c.state, c.finished_at)
        .join(other, other.c.id == c.selection_id)
        .where(
            c.kind == values["kind"],
            c.parameters == values["parameters"],
            other.c.sha256 == patients,
        )
        .order_by(c.id)
    )
