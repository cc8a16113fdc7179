"""
Tell staff of an operation: the facilities or providers it concerns, or the practice's own team.

    open_notice ─► name_recipients ─► render
        ─► wait_for_approval      suspended, without a process, until a manager has decided
        ─► release ─► send_batch
        ─► summarize              always, whatever failed

Run it again with the same request: it carries on where it stopped, and nobody is told twice. What
Prefect stores is the request below, batch numbers and counts. There is no undo: what was said cannot
be unsaid, but a correction can be sent, as another notice.
"""

from prefect import allow_failure
from prefect.task_runners import ThreadPoolTaskRunner

from clinic.message.outcomes.summary import Summary
from clinic.notify.request import NoticeRequest
from tasks.guard.decorators import flow
from tasks.messages import render, send_batch, summarize
from tasks.notify import name_recipients, open_notice
from tasks.release import release, wait_for_approval
from tasks.runs.stopping import drained


@flow(name="notify-staff", task_runner=ThreadPoolTaskRunner(max_workers=2))
@drained
def notify_staff(request: NoticeRequest) -> Summary:
    """
    Tell staff of an operation.

    Args:
        request: of which operation, and whom; `cohort notify …` makes one, and proves its requester
    """
    notice = open_notice(request)
    named = name_recipients(notice)
    batches = render(named)
    approved = wait_for_approval(notice, batches)
    released = release(notice, approved)

    sent = send_batch.map(released)

    # One span failing stops neither the others nor the summary, but it fails the run
    summary = summarize(notice, wait_for=[allow_failure(sent)])
    return summary.raise_if_incomplete()
