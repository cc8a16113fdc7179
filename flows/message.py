"""
Message a cohort: every eligible patient gets one message, and it is on their record.

    load_cohort ─► check_cohort ─► render
        ─► wait_for_approval           suspended, without a process, where a second approver must decide
        ─► release                     at its time: now, or a later run goes on from here
        ─► send_batch ─► save_to_record    a pair for each span of batches of at most 1,000
        ─► summarize                       always, whatever failed

Run it again, retry it, or start it with the same `request_key`: it carries on where it stopped, and
nobody is messaged twice. Patients' rows stay in the record database and in this process; what
Prefect stores is the request below, batch numbers and counts.
"""

from prefect import allow_failure
from prefect.task_runners import ThreadPoolTaskRunner

from clinic.message.campaign.request import MessageRequest
from clinic.message.outcomes.summary import Summary
from tasks.cohort import check_cohort, load_cohort
from tasks.draining import drained
from tasks.guard.decorators import flow
from tasks.messages import render, save_to_record, send_batch, summarize
from tasks.release import release, wait_for_approval


@flow(
    name="message",
    flow_run_name="message-{request.template}-by-{request.channel}",
    task_runner=ThreadPoolTaskRunner(max_workers=4),
)
@drained
def message(request: MessageRequest) -> Summary:
    """
    Message everyone in a cohort who may be messaged.

    Args:
        request: who, what and how; see the form's descriptions
    """
    campaign = load_cohort(request)
    checked = check_cohort(campaign)
    batches = render(checked)
    approved = wait_for_approval(campaign, batches)
    released = release(campaign, approved)

    sent = send_batch.map(released)
    saved = save_to_record.map(sent)

    # One span failing stops neither the others nor the summary, but it fails the run
    summary = summarize(campaign, wait_for=[allow_failure(saved)])
    return summary.raise_if_incomplete()
