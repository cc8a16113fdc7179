"""
Give many patients another provider, and see to their future visits.

    select_patients ─► plan_changes ─► check_changes
        ─► wait_for_approval      suspended, without a process, until another person has decided
        ─► apply_changes          one for each span of chunks, locked patients only
        ─► summarize_changes      always, whatever failed

Run it again: it carries on where it stopped, and no patient is changed twice. What Prefect stores is
the operation's number, chunk numbers and counts.
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
    name="reassign-provider",
    flow_run_name="reassign-provider-{operation_id}",
    task_runner=ThreadPoolTaskRunner(max_workers=2),
)
def reassign_provider(operation_id: int) -> Summary:
    """
    Give the selected patients another provider.

    Args:
        operation_id: a stored request: `cohort operations provider …` makes one
    """
    selected = select_patients(operation_id, "provider")
    planned = plan_changes(selected)
    checked = check_changes(planned)
    approved = wait_for_approval(checked)

    applied = apply_changes.map(begin_changes(approved))

    # One span failing stops neither the others nor the summary, but it fails the run
    summary = summarize_changes(operation_id, wait_for=[allow_failure(applied)])
    return summary.raise_if_incomplete()
