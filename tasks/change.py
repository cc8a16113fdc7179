"""
What and when: plan an operation on the record, check it, wait for a person, apply it, count it.

Each task is a name, a retry policy and one call into `clinic`. They pass the operation's number and
spans of its chunks: keys, never rows. Every task may be run again at any time: the operation's own
rows know what has already happened.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import NamedTuple

from prefect.runtime import deployment, flow_run

from clinic.change.core.states import CLOSED
from clinic.change.operations import get_operation
from clinic.change.review import approve, checklist
from clinic.change.run import apply, finish, plan
from clinic.change.run.summary import Summary
from clinic.errors import OperationRefused
from clinic.govern.audit.anchor import anchor_of, write_anchor
from clinic.outside_record.push import apply_pushed, end_pushed
from tasks.guard.decorators import NotWanted, may_pass_soon, task
from tasks.guard.while_away import SECONDS, WHILE_AWAY, while_away
from tasks.runs.going_on import operation_tag
from tasks.runs.marking import mark_run
from tasks.runs.waiting import wait_until
from tasks.show import operation
from tasks.show.telling import tell
from tasks.story import operation as story
from tasks.wiring import wiring

# A task run costs Prefect about 0.1 CPU seconds: in a long operation one takes several chunks
MOST_SPANS = 50


class ChunkSpan(NamedTuple):
    """Some chunks of an operation: from `first` to `last`."""

    operation_id: int
    first: int
    last: int


def spans_of(operation_id: int, chunks: list[int]) -> list[ChunkSpan]:
    """Cut the chunks that are left into at most `MOST_SPANS` spans of nearly the same length."""
    size = max(1, -(-len(chunks) // MOST_SPANS))
    parts = [chunks[start : start + size] for start in range(0, len(chunks), size)]
    return [ChunkSpan(operation_id, part[0], part[-1]) for part in parts]


@task(name="select-patients", **WHILE_AWAY)
def select_patients(operation_id: int, kind: str) -> int:
    """The operation and its stored selection; refuses the number of another kind of operation."""
    found = get_operation(wiring().record, operation_id)
    if found.kind != kind:
        raise OperationRefused(
            "operation-other-kind", f"operation {operation_id} is of the kind {found.kind}"
        )
    mark_run(operation_tag(operation_id), str(operation_id))
    return operation_id


@task(name="plan-changes", **WHILE_AWAY)
def plan_changes(operation_id: int) -> int:
    """Who would change from what to what, and who cannot and why."""
    parts = wiring()
    plan.make_plan(parts.record, parts.clock, parts.settings, operation_id)
    tell(lambda connection: story.planned(connection, operation_id))
    return operation_id


@task(name="check-changes", **WHILE_AWAY)
def check_changes(operation_id: int) -> int:
    """The checklist, computed and shown; what stops it ends the operation."""
    parts = wiring()
    points = operation.show_checklist(operation_id)
    tell(lambda _: story.checked(points))
    checklist.require_ready(parts.record, parts.clock, parts.settings, operation_id)
    return operation_id


def wait_for_approval(operation_id: int) -> int:
    """
    Go on if another person has approved; otherwise say who is waited for, and end this process.

    Raises:
        NotWanted: it was rejected or withdrawn, or nobody decided in time
    """
    parts = wiring()
    # A run that no deployment started cannot be resumed
    own = flow_run.get_id() if deployment.id else None
    ask = partial(approve.ask, parts.record, parts.clock, parts.settings, operation_id)
    while_away(partial(ask, flow_run_id=own))

    def answer() -> str:
        return while_away(partial(approve.answer, parts.record, parts.clock, operation_id))

    if answer() == "waiting":
        operation.show_waiting(operation_id)
    # Prefect's own limit is the later one: who comes too late is told by our table
    limit = timedelta(hours=parts.settings.operations.approval_hours + 1)
    wait_until(lambda: answer() != "waiting", at_most=limit)
    if (found := answer()) in CLOSED:
        says = approve.why_closed(parts.record, operation_id)
        raise NotWanted(f"operation-{found}", says, found.capitalize())
    return operation_id


@task(name="begin-changes", **WHILE_AWAY)
def begin_changes(operation_id: int) -> list[ChunkSpan]:
    """Use the approval up, lock the patients; the chunks that are left."""
    parts = wiring()
    apply.begin(parts.record, parts.clock, operation_id)
    operation.start_progress(operation_id)
    return spans_of(operation_id, apply.chunks_left(parts.record, operation_id))


@task(
    name="apply-changes",
    task_run_name="apply-chunks-{span.first}-to-{span.last}",
    retries=len(SECONDS),
    retry_delay_seconds=SECONDS,
    retry_condition_fn=may_pass_soon,
)
def apply_changes(span: ChunkSpan) -> ChunkSpan:
    """Apply these chunks, each in one transaction with its audit."""
    parts = wiring()
    for number in range(span.first, span.last + 1):
        apply_pushed(parts.record, parts.clock, parts.settings, span.operation_id, number)
        operation.update_progress(span.operation_id)
    return span


@task(
    name="summarize-changes",
    retries=len(SECONDS),
    retry_delay_seconds=SECONDS,
    retry_condition_fn=may_pass_soon,
)
def summarize_changes(operation_id: int) -> Summary:
    """Count what became of every patient, free them, and show it; note how long the trail is now."""
    parts = wiring()
    end_pushed(parts.record, parts.clock, parts.settings, operation_id)
    summary = finish.finish(parts.record, parts.clock, parts.settings, operation_id)
    operation.show_result(summary)
    tell(lambda _: story.ended(summary))
    write_anchor(parts.record, anchor_of(parts.settings), clock=parts.clock)
    return summary
