"""
Settle, every few minutes: what networks and patients told us, what is overdue, what is due to go on.

    pull_receipts ─► apply_receipts ─► apply_replies     delivered, failed; STOP and START
        ─► save_late                                     what was sent and is not on the record yet
        ─► end_waiting                                   72 hours of silence: failed, for now
        ─► find_due ─► wake                              a run for each campaign whose time has come,
                                                         or whose sender died
        ─► close_expired                                 requests for approval that nobody decided
        ─► forget_receipts                               those that were applied long ago

One that fails stops no other, but it fails the run. Run it as often as you like, also twice at once:
everything is read from the record, and done once. Prefect stores campaign numbers and counts.
"""

from prefect.task_runners import ThreadPoolTaskRunner

from tasks.safely import flow
from tasks.settle import (
    apply_receipts,
    apply_replies,
    close_expired,
    end_waiting,
    find_due,
    forget_receipts,
    pull_receipts,
    save_late,
    wake,
)


@flow(
    name="settle",
    flow_run_name="settle",
    task_runner=ThreadPoolTaskRunner(max_workers=2),
)
def settle() -> object:
    """Settle whatever can be settled now."""
    pulled = pull_receipts(return_state=True)
    applied = apply_receipts(return_state=True)
    replies = apply_replies(return_state=True)
    saved = save_late(return_state=True)
    ended = end_waiting(return_state=True)

    due = find_due(return_state=True)
    woken = wake.map(due)
    closed = close_expired(return_state=True)
    forgotten = forget_receipts(return_state=True)

    return pulled, applied, replies, saved, ended, due, *woken, closed, forgotten
