"""
A person asks for an operation: it is stored and planned, and nobody is asked to approve it before they say yes.

    ask, ask_undo, ask_rerun ──► planned ──► looked at (review_of.py) ──► confirm ──► waiting for approval
                                        └──────────────────────────────► withdraw (clinic/change/run)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from clinic.change.core.states import ENDED, REQUESTED
from clinic.change.kinds.table import UNDO
from clinic.change.operations import Request, get_operation, request_operation
from clinic.change.review import approve
from clinic.change.review.checklist import require_ready
from clinic.change.review.next_steps import next_steps
from clinic.change.run.plan import make_plan
from clinic.change.run.rerun import request_rerun
from clinic.change.run.undo import request_undo
from clinic.change.visits.request import require_ahead
from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.hands import tell_resumed
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import require_may_ask
from clinic.record.database import Record
from clinic.settings import Settings


def ask(
    record: Record,
    clock: Clock,
    settings: Settings,
    person: Operator,
    *,
    kind: str,
    selection_id: int,
    parameters: Mapping[str, Any],
    reason: str,
    request_key: str,
) -> int:
    """
    Store and plan an operation (ALC-9, ALC-14, ALC-33); its number. The same key gives the same.

    Args:
        person: proven
        kind, parameters: of clinic/change/kinds/table.py

    Raises:
        NotAllowed: their role may not ask for this (ALC-44)
        OperationRefused: the parameters make no sense, or no reason is given
        NotFound: something that they name does not exist
    """
    require_may_ask(person.role, kind)
    if kind == "visit":
        zone = ZoneInfo(settings.organisation.time_zone)
        require_ahead(parameters, clock.now().astimezone(zone).date())
    asked = Request(
        kind=kind,
        parameters=parameters,
        selection_id=selection_id,
        requested_by=person.name,
        reason=reason,
        request_key=request_key,
    )
    number = request_operation(record, clock, settings, asked)
    make_plan(record, clock, settings, number)
    return number


def ask_undo(
    record: Record,
    clock: Clock,
    settings: Settings,
    person: Operator,
    *,
    of: int,
    reason: str,
    request_key: str,
    selection_id: int | None = None,
    partly: bool = False,
) -> int:
    """
    Store and plan that an operation is put back (ALC-38); the new operation's number.

    Args:
        selection_id: only these patients
        partly: leave out whom a later operation changed too

    Raises:
        NotAllowed, NotFound, OperationRefused: as `ask`; or there is nothing to undo
    """
    require_may_ask(person.role, UNDO)
    number = request_undo(
        record, clock, settings, of=of, requested_by=person.name, reason=reason,
        request_key=request_key, selection_id=selection_id, partly=partly,
    )  # fmt: skip
    make_plan(record, clock, settings, number)
    return number


def ask_rerun(
    record: Record,
    clock: Clock,
    settings: Settings,
    person: Operator,
    *,
    of: int,
    request_key: str,
) -> int:
    """
    Store and plan the failed part of an operation again (ALC-36); the new operation's number.

    Raises:
        NotAllowed, NotFound, OperationRefused: as `ask`; or nothing of it is left
    """
    require_may_ask(person.role, get_operation(record, of).kind)
    number = request_rerun(
        record, clock, settings, of=of, requested_by=person.name, request_key=request_key
    )
    make_plan(record, clock, settings, number)
    return number


def confirm(
    record: Record, clock: Clock, settings: Settings, operation_id: int, *, by: Operator
) -> None:
    """
    Whoever asked says yes to what was planned: another person is asked to approve it. Again: nothing.

    Raises:
        NotAllowed: somebody else asked for it, or their role may not any more
        OperationRefused: a point of its checklist stops it: it is closed, and has changed nobody
    """
    found = get_operation(record, operation_id)
    if found.requested_by != by.name:
        raise NotAllowed(
            "request-not-allowed",
            f"{found.requested_by} asked for operation {operation_id}, and says whether it is to be approved",
        )
    require_ready(record, clock, settings, operation_id)
    approve.ask(record, clock, settings, operation_id, flow_run_id=None)


def resume(record: Record, clock: Clock, settings: Settings, operation_id: int, *, by: str) -> None:
    """
    Have an operation go on that was only stored, or was stopped: planned, and asked for; its run is another's.

    by: the name of a proven person, who is on the trail for it

    Raises:
        NotAllowed: it has ended: what to do instead
        OperationRefused: a point of its checklist stops it
    """
    found = get_operation(record, operation_id)
    if found.state in ENDED:
        instead = "; ".join(next_steps(record, found)) or "cohort operations list"
        raise NotAllowed(
            "operation-ended",
            f"operation {operation_id} is {found.state} and does not go on; instead: {instead}",
        )
    if found.state == REQUESTED:  # stopped before it was planned
        make_plan(record, clock, settings, operation_id)
    require_ready(record, clock, settings, operation_id)
    tell_resumed(record, clock, by=by, subject="operation", subject_id=operation_id)
    approve.ask(record, clock, settings, operation_id, flow_run_id=None)
