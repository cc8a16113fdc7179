"""
Book a visit for many patients: with a provider, or shared among those of each facility.

What was proposed is booked: a time that somebody took since the review is left to them, and its patient is
listed. No visit is booked twice.

Its steps are those of every operation: record_operation.py.
"""

from clinic.change.run.summary import Summary
from flows.record_operation import change_record, two_at_once
from tasks.guard.decorators import flow


@flow(
    name="schedule-visits",
    flow_run_name="schedule-visits-{operation_id}",
    task_runner=two_at_once(),
)
def schedule_visits(operation_id: int) -> Summary:
    """
    Book the visits that were proposed.

    Args:
        operation_id: a stored request: `cohort operations visit …` makes one
    """
    return change_record(operation_id, "visit")
