"""
Update one field of many patients: an insurance plan, or data that is to be tidied up.

Its steps are those of every operation: record_operation.py.
"""

from clinic.change.run.summary import Summary
from flows.record_operation import change_record, two_at_once
from tasks.guard.decorators import flow


@flow(
    name="update-attribute",
    flow_run_name="update-attribute-{operation_id}",
    task_runner=two_at_once(),
)
def update_attribute(operation_id: int) -> Summary:
    """
    Update one field of the selected patients.

    Args:
        operation_id: a stored request: `cohort operations attribute …` makes one
    """
    return change_record(operation_id, "attribute")
