"""
Reconcile, every few minutes: what networks and patients told us, what is overdue, what is due to go on.

    pull_receipts ─► apply_receipts ─► apply_replies     delivered, failed; STOP and START
        ─► save_late                                     what was sent and is not on the record yet
        ─► end_waiting                                   72 hours of silence: failed, for now
        ─► list_unreached                                whom a recall did not reach: a person's follow-up
        ─► find_due ─► wake                              a run for each campaign whose time has come,
                                                         or whose sender died
        ─► close_expired                                 requests that nobody decided, plans nobody asked for
        ─► end_silent_runs                               runs whose machine is gone
        ─► find_lost_operations ─► start_operation       approved and not started; left behind by its run
        ─► end_waiting_runs                              the runs of what people rejected or withdrew
        ─► forget_receipts ─► forget_runs                receipts applied long ago; this flow's own old runs
        ─► save_outside                                  the clinical record on another system, if one is set
        ─► send_reports                                  of campaigns, to the practice by MESH, if it is set
        ─► check_health                                  what is wrong here: an event when it begins, or ends

One that fails stops no other, but it fails the run. Run it as often as you like, also twice at once:
everything is read from the record, and done once. Prefect stores campaign numbers and counts.
"""

from prefect import allow_failure
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.guard.decorators import flow
from tasks.runs.old_runs import forget_runs
from tasks.runs.silent_runs import end_silent_runs
from tasks.settle import (
    apply_receipts,
    apply_replies,
    check_health,
    close_expired,
    end_waiting,
    find_due,
    forget_receipts,
    list_unreached,
    pull_receipts,
    save_late,
    save_outside,
    send_reports,
    wake,
)
from tasks.settle_operations import end_waiting_runs, find_lost_operations, start_operation


@flow(
    name="settle",
    flow_run_name="settle",
    task_runner=ThreadPoolTaskRunner(max_workers=2),
)
def settle() -> object:
    """Reconcile whatever can be reconciled now."""
    pulled = pull_receipts(return_state=True)
    applied = apply_receipts(return_state=True)
    replies = apply_replies(return_state=True)
    saved = save_late(return_state=True)
    ended = end_waiting(return_state=True)
    listed = list_unreached(return_state=True)

    due = find_due(return_state=True)
    woken = wake.map(due)
    closed = close_expired(return_state=True)
    silent = end_silent_runs(return_state=True)
    lost = find_lost_operations(return_state=True, wait_for=[allow_failure(silent)])
    started = start_operation.map(lost)
    stopped = end_waiting_runs(return_state=True, wait_for=[allow_failure(closed)])
    forgotten = forget_receipts(return_state=True)
    removed = forget_runs(return_state=True)
    outside = save_outside(return_state=True)
    reported = send_reports(return_state=True)
    watched = check_health(return_state=True)

    settled = (pulled, applied, replies, saved, ended, due, *woken, closed, forgotten)
    return *settled, listed, silent, lost, *started, stopped, removed, outside, reported, watched
