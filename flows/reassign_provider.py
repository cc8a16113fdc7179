"""
Give many patients another provider, and see to their future visits.

Its steps are those of every operation: record_operation.py.
"""

from clinic.change.run.summary import Summary
from flows.record_operation import change_record, two_at_once
from tasks.guard.decorators import flow


@flow(
    name="reassign-provider",
    flow_run_name="reassign-provider-{operation_id}",
    task_runner=two_at_once(),
)
def reassign_provider(operation_id: int) -> Summary:
    """
    Give the selected patients another provider.

    Args:
        operation_id: a stored request: `cohort operations provider …` makes one
    """
    return change_record(operation_id, "provider")
