"""
Remind of appointments, every evening: each booked appointment of the next days once, if it still stands.

    load_appointments ─► check_cohort ─► render          who is asked for by the report's parameters
        ─► wait_for_approval ─► release
        ─► send_batch ─► save_to_record    a pair for each span of batches of at most 1,000
        ─► summarize                       always, whatever failed

Run it as often as you like: an appointment is reminded of once. Cancelled, moved or started since it was
staged, its message does not leave. Prefect stores the parameters below, batch numbers and counts.
"""

from prefect import allow_failure
from prefect.task_runners import ThreadPoolTaskRunner

from clinic.message.outcomes.summary import Summary
from clinic.message.reminders.reminder_request import ReminderRequest
from tasks.cohort import check_cohort
from tasks.draining import drained
from tasks.guard.decorators import flow
from tasks.messages import render, save_to_record, send_batch, summarize
from tasks.release import release, wait_for_approval
from tasks.remind import load_appointments


@flow(
    name="remind",
    flow_run_name="remind-{request.template}-by-{request.channel}",
    task_runner=ThreadPoolTaskRunner(max_workers=4),
)
@drained
def remind(request: ReminderRequest) -> Summary:
    """
    Remind patients of their appointments.

    Args:
        request: which appointments, and by which template; see the form's descriptions
    """
    campaign = load_appointments(request)
    checked = check_cohort(campaign)
    batches = render(checked)
    approved = wait_for_approval(campaign, batches)
    released = release(campaign, approved)

    sent = send_batch.map(released)
    saved = save_to_record.map(sent)

    # One span failing stops neither the others nor the summary, but it fails the run
    summary = summarize(campaign, wait_for=[allow_failure(saved)])
    return summary.raise_if_incomplete()
