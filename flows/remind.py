"""
Remind of appointments, every evening: each booked appointment of the next days once, if it still stands.

    load_appointments ─► check_cohort ─► render          who is asked for by the report's parameters
        ─► wait_for_approval ─► release
        ─► send_batch ─► save_to_record ─► summarize

The steps after the first are those of every campaign: send_campaign.py.

Run it as often as you like: an appointment is reminded of once. Cancelled, moved or started since it was
staged, its message does not leave. Prefect stores the parameters below, batch numbers and counts.
"""

from clinic.message.outcomes.summary import Summary
from clinic.message.reminders.reminder_request import ReminderRequest
from flows.send_campaign import four_at_once, send_campaign
from tasks.guard.decorators import flow
from tasks.remind import load_appointments
from tasks.runs.stopping import drained


@flow(
    name="remind",
    flow_run_name="remind-{request.template}-by-{request.channel}",
    task_runner=four_at_once(),
)
@drained
def remind(request: ReminderRequest) -> Summary:
    """
    Remind patients of their appointments.

    Args:
        request: which appointments, and by which template; see the form's descriptions
    """
    campaign = load_appointments(request)
    return send_campaign(campaign)
