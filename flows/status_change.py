"""
Change the status of many patients: to Active, On Hold, Discharged, or another of this practice.

Its steps are those of every operation: record_operation.py.
"""

from clinic.change.run.summary import Summary
from flows.record_operation import change_record, two_at_once
from tasks.guard.decorators import flow


@flow(
    name="status-change",
    flow_run_name="status-change-{operation_id}",
    task_runner=two_at_once(),
)
def status_change(operation_id: int) -> Summary:
    """
    Change the selected patients' status.

    Args:
        operation_id: a stored request: `cohort operations status …` makes one
    """
    return change_record(operation_id, "status")
