"""
Book a visit for many patients: with a provider, or shared among those of each facility.

    select_patients ─► plan_changes ─► check_changes
        ─► wait_for_approval      suspended, without a process, until another person has decided
        ─► apply_changes          one for each span of chunks: what was proposed is booked
        ─► summarize_changes      always, whatever failed

Run it again: it carries on where it stopped, and no visit is booked twice. A time that somebody took
since the review is left to them, and its patient is listed. What Prefect stores is the operation's
number, chunk numbers and counts.
"""

from prefect import allow_failure
from prefect.task_runners import ThreadPoolTaskRunner

from clinic.change.summary import Summary
from tasks.change import (
    apply_changes,
    begin_changes,
    check_changes,
    plan_changes,
    select_patients,
    summarize_changes,
    wait_for_approval,
)
from tasks.safely import flow


@flow(
    name="schedule-visits",
    flow_run_name="schedule-visits-{operation_id}",
    task_runner=ThreadPoolTaskRunner(max_workers=2),
)
def schedule_visits(operation_id: int) -> Summary:
    """
    Book the visits that were proposed.

    Args:
        operation_id: a stored request: `cohort operations visit …` makes one
    """
    selected = select_patients(operation_id, "visit")
    planned = plan_changes(selected)
    checked = check_changes(planned)
    approved = wait_for_approval(checked)

    applied = apply_changes.map(begin_changes(approved))

    # One span failing stops neither the others nor the summary, but it fails the run
    summary = summarize_changes(operation_id, wait_for=[allow_failure(applied)])
    return summary.raise_if_incomplete()
