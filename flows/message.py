"""
Message a cohort: every eligible patient gets one message, and it is on their record.

    load_cohort ─► check_cohort ─► render
        ─► wait_for_approval ─► release
        ─► send_batch ─► save_to_record ─► summarize

The steps after the first are those of every campaign: send_campaign.py.

Run it again, retry it, or start it with the same `request_key`: it carries on where it stopped, and
nobody is messaged twice. Patients' rows stay in the record database and in this process; what
Prefect stores is the request below, batch numbers and counts.
"""

from clinic.message.campaign.request import MessageRequest
from clinic.message.outcomes.summary import Summary
from flows.send_campaign import four_at_once, send_campaign
from tasks.cohort import load_cohort
from tasks.guard.decorators import flow
from tasks.runs.stopping import drained


@flow(
    name="message",
    flow_run_name="message-{request.template}-by-{request.channel}",
    task_runner=four_at_once(),
)
@drained
def message(request: MessageRequest) -> Summary:
    """
    Message everyone in a cohort who may be messaged.

    Args:
        request: who, what and how; see the form's descriptions
    """
    campaign = load_cohort(request)
    return send_campaign(campaign)
