"""Whose work a campaign or an operation is: its requester, who decided, who did something to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.bulk import is_any_of
from clinic.record.schema.change import operation
from clinic.record.schema.govern import approval, audit_act
from clinic.record.schema.messages import campaign

Subject = tuple[str, int | None]
_TABLES = {"campaign": campaign, "operation": operation}


def people_at_work(
    connection: Connection, subjects: Collection[Subject]
) -> dict[Subject, frozenset[str]]:
    """Of each campaign and operation among these, everybody whose name the record or the trail has with it."""
    found: dict[Subject, set[str]] = defaultdict(set)
    for kind, table in _TABLES.items():
        numbers = sorted({number for each, number in subjects if each == kind and number})
        if not numbers:
            continue
        act, asked = audit_act.c, approval.c
        for query in (
            sa.select(table.c.id, table.c.requested_by, sa.null()).where(
                is_any_of(table.c.id, numbers)
            ),
            sa.select(act.subject_id, act.operator, act.approver).where(
                act.subject == kind, is_any_of(act.subject_id, numbers)
            ),
            sa.select(asked.subject_id, asked.requested_by, asked.decided_by).where(
                asked.subject == kind, is_any_of(asked.subject_id, numbers)
            ),
        ):
            for number, *names in connection.execute(query):
                found[kind, number].update(name for name in names if name)
    return {subject: frozenset(names) for subject, names in found.items()}
