"""
What every campaign does once its list is imported; the flows beside this say where the list is from.

    check_cohort ─► render
        ─► wait_for_approval           suspended, without a process, where a second approver must decide
        ─► release                     at its time: now, or a later run goes on from here
        ─► ask_beside                  where several runs send it: the others, each a `send_beside`
        ─► send_batch ─► save_to_record    a pair for each span of batches of at most 1,000
        ─► summarize                       always, whatever failed

Run it again: it carries on where it stopped, and nobody is messaged twice. What Prefect stores is the
campaign's number, batch numbers and counts. Runs beside it send, and nothing else: what checks, saves and
ends it is this run. (A notice is in nobody's record: notify_staff.py.)
"""

from typing import Any

from prefect import allow_failure, unmapped
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from clinic.message.outcomes.summary import Summary
from tasks.cohort import check_cohort
from tasks.guard.decorators import flow
from tasks.messages import render, save_to_record, send_batch, summarize
from tasks.release import release, wait_for_approval
from tasks.runs.beside import SENDERS, ask_beside, count_beside, send_free
from tasks.runs.stopping import drained


def four_at_once() -> ThreadPoolTaskRunner[Any]:
    """Four spans of a campaign are sent at a time."""
    return ThreadPoolTaskRunner(max_workers=4)


def send_campaign(campaign: int) -> Summary:
    """
    Bring a campaign to its end.

    Called in a flow: each step is a task of its run.
    """
    checked = check_cohort(campaign)
    batches = render(checked)
    approved = wait_for_approval(campaign, batches)
    released = release(campaign, approved)
    shared = ask_beside(campaign, released)

    sent = send_batch.map(shared)
    saved = save_to_record.map(sent)

    # One span failing stops neither the others nor the summary, but it fails the run
    summary = summarize(campaign, wait_for=[allow_failure(saved)])
    return summary.raise_if_incomplete()


@flow(
    name="send-beside",
    flow_run_name="send-beside-{campaign_id}",
    task_runner=four_at_once(),
)
@drained
def send_beside(campaign_id: int) -> object:
    """
    Send a campaign that is under way beside its own run, as `cohort message --workers` asks for.

    Args:
        campaign_id: its number
    """
    sent = send_free.map(campaign_id=unmapped(campaign_id), sender=SENDERS)
    says = count_beside(campaign_id, wait_for=[allow_failure(sent)])
    sent.wait()
    return Completed(message=says) if all(one.state.is_completed() for one in sent) else sent
