"""
Undo an operation, whole or for some of its patients, from its before-images.

Its steps are those of every operation: record_operation.py.
"""

from clinic.change.run.summary import Summary
from flows.record_operation import change_record, two_at_once
from tasks.guard.decorators import flow


@flow(
    name="undo",
    flow_run_name="undo-{operation_id}",
    task_runner=two_at_once(),
)
def undo(operation_id: int) -> Summary:
    """
    Put back what an operation changed.

    Args:
        operation_id: a stored request: `cohort operations undo …` makes one
    """
    return change_record(operation_id, "undo")
