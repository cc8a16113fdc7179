"""
Move many patients to another facility, with provider and visits, and list what people must still do.

Its steps are those of every operation: record_operation.py.
"""

from clinic.change.run.summary import Summary
from flows.record_operation import change_record, two_at_once
from tasks.guard.decorators import flow


@flow(
    name="transfer-facility",
    flow_run_name="transfer-facility-{operation_id}",
    task_runner=two_at_once(),
)
def transfer_facility(operation_id: int) -> Summary:
    """
    Move the selected patients to another facility.

    Args:
        operation_id: a stored request: `cohort operations facility …` makes one
    """
    return change_record(operation_id, "facility")
