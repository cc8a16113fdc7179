"""
The checklist before anything is run (ALC-34), computed and shown to the approver.

Not one box is ticked by a person: each is a question to the database, asked when it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.change.core.locks import holder_of
from clinic.change.core.outcomes import LATER_OPERATION, LOCKED, WILL_CHANGE
from clinic.change.core.states import FAILED, PLANNED
from clinic.change.digest import digest_of
from clinic.change.kinds.status import STATUS
from clinic.change.kinds.table import UNDO, kind_of, words_of
from clinic.change.operations import Operation, find_operation, set_state
from clinic.change.review.impact import loads_of
from clinic.change.review.silence import is_silence_on_one_channel
from clinic.change.run.since import since_review
from clinic.clock import Clock
from clinic.errors import OperationRefused
from clinic.govern.people.operators import find_operator
from clinic.govern.people.roles import may
from clinic.record.database import Record
from clinic.record.schema.change import operation_item
from clinic.settings import Settings, Silence

# ALC-46
CAUTION = (
    "Bulk operations affect many records and cannot easily be undone. "
    "Look at the numbers and the list before you decide."
)

NOTHING: Final = "nothing-to-change"
OVER_CAP: Final = "over-the-cap"
UNDO_LATER: Final = "undo-later-operation"
_LATER = "No later operation changed them too"
_LATER_OUT = "Whom a later operation changed is left out"
_UNDO = "It can be undone"


@dataclass(frozen=True)
class Check:
    """
    One point of the checklist.

    title: what is right if it holds
    holds: None: it does not apply
    stops: whether nothing is asked for unless it holds; else it is a warning to the requester. Who decides is
        stopped by every one that fails
    final: no person may override it
    """

    code: str
    title: str
    holds: bool | None
    says: str
    stops: bool = True
    final: bool = False


def checklist(record: Record, settings: Settings, operation_id: int) -> list[Check]:
    """
    Every point, as things stand now.

    Raises:
        NotFound: there is no such operation
    """
    with record.read() as connection:
        found = find_operation(connection, operation_id)
        return checks_of(connection, settings.operations.cap, found, settings.silence)


def require_ready(record: Record, clock: Clock, settings: Settings, operation_id: int) -> None:
    """
    Refuse a planned operation of which a point stops it: it has then failed, and changed nothing.

    Raises:
        OperationRefused: the first point that does not hold
    """
    with record.write() as connection:
        planned = find_operation(connection, operation_id, lock=True)
        if planned.state != PLANNED:
            return
        stop = _first_stop(
            checks_of(connection, settings.operations.cap, planned, settings.silence)
        )
        if stop is not None:
            set_state(
                connection, operation_id, FAILED, state_reason=stop.code, finished_at=clock.now()
            )
    if stop is not None:  # only now: what became of it is committed
        raise OperationRefused(
            stop.code,
            f"{stop.says}; operation {operation_id} is closed and has changed nobody, "
            f"see: cohort operations show {operation_id}",
        )


def _first_stop(checks: list[Check]) -> Check | None:
    return next((check for check in checks if check.stops and check.holds is False), None)


def checks_of(connection: Connection, cap: int, planned: Operation, words: Silence) -> list[Check]:
    """Every point, as things stand in the caller's transaction. `cap`: the most patients of an operation."""
    will = words_of(planned.kind).will
    return [
        Check(
            NOTHING,
            "Somebody is concerned",
            planned.will_change > 0,
            f"{planned.will_change:,} of {planned.selected:,} selected patients {will}",
            final=True,
        ),
        Check(
            OVER_CAP,
            "Not too many patients",
            planned.selected <= cap,
            f"{planned.selected:,} are selected, at most {cap:,} may be",
        ),
        Check(
            "review-changed",
            "Plan is as it was reviewed",
            planned.digest is not None and digest_of(connection, planned) == planned.digest,
            "selection and plan are compared with what was reviewed",
            final=True,
        ),
        *_since(connection, planned),
        _requester(connection, planned),
        Check("reason-missing", "A reason is given", bool(planned.reason), planned.reason),
        *_silence(planned, words),
        _locks(connection, planned),
        _capacity(connection, planned),
        _later(connection, planned),
        _undoable(planned),
    ]


def _since(connection: Connection, planned: Operation) -> list[Check]:
    """Asked anew each time: the plan's own digest says nothing of what became of the patients."""
    now = since_review(connection, planned)
    changed = "changed, or their time was taken," if planned.kind == "visit" else "changed"
    return [
        Check(
            "changed-since-review",
            "Patients are as they were reviewed",
            now.changed == 0,
            f"{now.changed:,} of {_count(planned.will_change)} {changed} since; left out if it is approved",
            stops=False,
        ),
        Check(
            "died-since-review",
            "No patient became deceased after the review",
            now.died == 0,
            f"{_count(now.died, 'is', 'are')} deceased since the review; left out if it is approved",
            stops=False,
        ),
    ]


def _capacity(connection: Connection, planned: Operation) -> Check:
    over = [load for load in loads_of(connection, planned) if load.over]
    named = "; ".join(
        f"{load.provider} would have {load.has_then:,} patients, {load.over:,} more than {load.capacity:,}"
        for load in over[:5]
    )
    return Check(
        "capacity",
        "No provider gets more than their capacity",
        not over,
        named or "no provider's capacity is exceeded",
        stops=False,
    )


def _requester(connection: Connection, planned: Operation) -> Check:
    person = find_operator(connection, planned.requested_by)
    allowed = person is not None and person.active and may(person.role, "request", planned.kind)
    who = planned.requested_by
    says = f"{who} is active and may" if allowed else f"{who} is disabled, or may not any more"
    return Check("requester-may", "The requester may ask for this", allowed, says, final=True)


def _silence(planned: Operation, words: Silence) -> list[Check]:
    """Nobody is discharged for not answering a text, unless somebody has looked a second time."""
    if planned.kind != STATUS.name:
        return []
    return [
        Check(
            "silence-only",
            "The reason is more than silence on one channel",
            not is_silence_on_one_channel(planned.reason, words),
            "who does not answer by one channel may not have been reached: by which others were they asked?",
            stops=False,
        )
    ]


def _locks(connection: Connection, planned: Operation) -> Check:
    is_held = holder_of(operation_item.c.patient_id).is_not(None)
    count = _patients(
        connection,
        planned,
        sa.or_(
            operation_item.c.outcome == LOCKED,
            sa.and_(operation_item.c.outcome == WILL_CHANGE, is_held),
        ),
    )
    return Check(
        "patients-locked",
        "No patient is locked",
        count == 0,
        f"{_count(count, 'is', 'are')} being changed by another operation: left out and listed",
        stops=False,
    )


def _later(connection: Connection, planned: Operation) -> Check:
    """Undo in reverse order: what a later operation changed is put back by undoing that one first."""
    if planned.kind != UNDO:
        return Check(UNDO_LATER, _LATER, None, "this is no undo")
    later = operation_item.c.outcome == LATER_OPERATION
    count = _patients(connection, planned, later)
    newest = connection.scalar(
        sa.select(sa.func.max(sa.cast(operation_item.c.detail, sa.Integer))).where(
            operation_item.c.operation_id == planned.id, later
        )
    )
    says = f"{_count(count)} changed by a later operation"
    if planned.parameters.get(
        "partly"
    ):  # asked for so: left out and listed, nothing for an approver to answer
        return Check(UNDO_LATER, _LATER_OUT, True, f"{says}: left out and listed (--partly)")
    if count:
        says += f": undo operation {newest} first, or leave them out (--partly)"
    return Check(UNDO_LATER, _LATER, count == 0, says)


def _undoable(planned: Operation) -> Check:
    if planned.kind == UNDO or kind_of(planned.kind).undoable:
        return Check("undo", _UNDO, True, "it can be undone: old values are kept for each patient")
    return Check(
        "undo", _UNDO, None, "it cannot be undone (N/A): what was sent cannot be called back"
    )


def _count(patients: int, one: str = "was", more: str = "were") -> str:
    """ "1 patient was", "2 patients were"."""
    return f"1 patient {one}" if patients == 1 else f"{patients:,} patients {more}"


def _patients(connection: Connection, planned: Operation, which: ColumnElement[bool]) -> int:
    found = connection.scalar(
        sa.select(sa.func.count(sa.distinct(operation_item.c.patient_id))).where(
            operation_item.c.operation_id == planned.id, which
        )
    )
    return int(found or 0)
