"""
Give tags to many patients, or take them away.

Its steps are those of every operation: record_operation.py.
"""

from clinic.change.run.summary import Summary
from flows.record_operation import change_record, two_at_once
from tasks.guard.decorators import flow


@flow(
    name="assign-tags",
    flow_run_name="assign-tags-{operation_id}",
    task_runner=two_at_once(),
)
def assign_tags(operation_id: int) -> Summary:
    """
    Give tags to the selected patients, or take them away.

    Args:
        operation_id: a stored request: `cohort operations tag …` makes one
    """
    return change_record(operation_id, "tag")
