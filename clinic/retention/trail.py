"""
Acts of the audit trail, after 8 years: who did what, in whose words. The chain of their blocks stays.

`cohort audit verify` accepts exactly the blocks that the act of a removal names, and says how many, how old,
requester and approver (clinic/govern/audit/removed.py). Never removed: what proves a redaction, a removal
or a destruction; what is about a legal hold or a restriction; the first act of each kind, by which new rows are
told from those that were put in; and whatever is of a patient, campaign or list that is held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.audit.redacted import KINDS, REDACTION
from clinic.govern.audit.removed import REMOVED_ACTS, spans_of
from clinic.govern.audit.tables import SEALED, Row
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.held import is_about_held
from clinic.record.database import Record
from clinic.record.schema.govern import approval, audit_act
from clinic.retention.age import years_before
from clinic.retention.due import Due
from clinic.retention.opened import Opened, in_blocks
from clinic.retention.stubs import digest_of_keys
from clinic.settings.operations import Retention

WHAT: Final = "trail"
BLOCK: Final = 5_000
Place = tuple[str, int]

_a = audit_act.c
_ABOUT: Final = ("redaction", "destruction", "hold", "restriction")
_PROOF: Final = sa.select(approval.c.id).where(approval.c.kind.in_((*KINDS, "restriction")))
_PROVES: Final = (
    _a.operation_type.in_((REDACTION, REMOVED_ACTS))
    | _a.subject.in_(_ABOUT)
    | ((_a.subject == "approval") & _a.subject_id.in_(_PROOF))
)


def plan(connection: Connection, now: datetime, settings: Retention) -> Due:
    """How many acts, and how many of them are held."""
    own, oldest = connection.execute(
        sa.select(sa.func.count(), sa.func.min(_a.timestamp)).where(
            *_due(connection, now, settings)
        )
    ).one()
    is_held = connection.scalar(
        sa.select(sa.func.count()).where(_a.timestamp < before(now, settings), ~_PROVES, _is_held())
    )
    since = oldest and years_before(oldest, -settings.trail_years)
    authority = f"retention.trail_years {settings.trail_years}"
    return Due(WHAT, own, own, since, int(is_held or 0), "decision", authority)


def due(connection: Connection, now: datetime, settings: Retention) -> list[Place]:
    """Chain and number of each."""
    query = sa.select(_a.stream, _a.number).where(*_due(connection, now, settings))
    rows = connection.execute(query.order_by(_a.stream, _a.number))
    return [(stream, number) for stream, number in rows]


def before(now: datetime, settings: Retention) -> datetime:
    """What was done later stays."""
    return years_before(now, settings.trail_years)


def remove(record: Record, clock: Clock, settings: Retention, opened: Opened) -> int:
    """Take out the acts that are due; how many. Each block of them is said by an act of its own."""

    def take(connection: Connection, places: list[Place]) -> None:
        for part in _parts(places):
            connection.execute(sa.delete(audit_act).where(part))
        _tell(connection, clock, opened, places)

    return in_blocks(record, lambda some: due(some, opened.at, settings)[:BLOCK], take)


def _tell(connection: Connection, clock: Clock, opened: Opened, places: list[Place]) -> None:
    numbers: dict[str, list[int]] = defaultdict(list)
    for stream, number in places:
        numbers[stream].append(number)
    digest = digest_of_keys(f"{stream} {number}" for stream, number in places)
    act = Act(
        operator=opened.decision.asked_by, approver=opened.decision.approved_by,
        operation_type=REMOVED_ACTS, subject="redaction", subject_id=opened.decision.redaction_id,
        new_values={
            **opened.decision.says(), "before": opened.before.isoformat(), "count": len(places),
            "blocks": {stream: spans_of(some) for stream, some in sorted(numbers.items())},
        },
        reason=opened.decision.ground,
    )  # fmt: skip
    record_act(connection, clock, act)
    of = ("approval", opened.decision.approval_id)
    opened.leave_stub(connection, WHAT, of, len(places), digest)


def _due(
    connection: Connection, now: datetime, settings: Retention
) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _a.timestamp < before(now, settings), ~_PROVES, ~_is_held(),
        sa.tuple_(_a.stream, _a.number).not_in(list(_firsts(connection)) or [("", 0)]),
    )  # fmt: skip


def _is_held() -> sa.ColumnElement[bool]:
    """Of whom or what is held: a chain of a campaign or operation as a whole, and acts about them."""
    return is_about_held(_a.subject, _a.subject_id)


def _firsts(connection: Connection) -> Iterator[Place]:
    """The first act of each kind that seals new rows (clinic/govern/audit/seal_verify.py)."""
    kinds = {spec.born for spec in SEALED.values() if isinstance(spec, Row) and spec.born}
    for kind in sorted(kinds):
        query = sa.select(_a.stream, _a.number).where(_a.operation_type == kind)
        row = connection.execute(query.order_by(_a.timestamp, _a.number).limit(1)).first()
        if row is not None:
            yield row.stream, row.number


def _parts(places: list[Place]) -> Iterator[sa.ColumnElement[Any]]:
    for start in range(0, len(places), 200):
        yield sa.tuple_(_a.stream, _a.number).in_(places[start : start + 200])
