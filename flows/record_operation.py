"""
What every operation that changes the record does; the flows beside this give it a name, a form and a kind.

    select_patients ─► plan_changes ─► check_changes
        ─► wait_for_approval      suspended, without a process, until another person has decided
        ─► apply_changes          one for each span of chunks, locked patients only
        ─► summarize_changes      always, whatever failed

Run it again: it carries on where it stopped, and no patient is changed twice. What Prefect stores is
the operation's number, chunk numbers and counts. (An export ends with a file: export_data.py.)
"""

from typing import Any

from prefect import allow_failure
from prefect.task_runners import ThreadPoolTaskRunner

from clinic.change.run.summary import Summary
from tasks.change import (
    apply_changes,
    begin_changes,
    check_changes,
    plan_changes,
    select_patients,
    summarize_changes,
    wait_for_approval,
)


def two_at_once() -> ThreadPoolTaskRunner[Any]:
    """Two spans of an operation are applied at a time."""
    return ThreadPoolTaskRunner(max_workers=2)


def change_record(operation_id: int, kind: str) -> Summary:
    """
    Bring an operation of this kind to its end.

    Called in a flow: each step is a task of its run.
    """
    selected = select_patients(operation_id, kind)
    planned = plan_changes(selected)
    checked = check_changes(planned)
    approved = wait_for_approval(checked)

    applied = apply_changes.map(begin_changes(approved))

    # One span failing stops neither the others nor the summary, but it fails the run
    summary = summarize_changes(operation_id, wait_for=[allow_failure(applied)])
    return summary.raise_if_incomplete()
