"""
Reconcile, every few minutes: what networks and patients told us, what is overdue, what is due to go on.

    reconcile         receipts applied, replies noted, late saves, silence ended, requests closed, silent runs
                      and old ones: every step of tasks/reconcile.py, in one task
        ─► wake               a run for each campaign whose time has come, or whose sender died
        ─► start_operation    for each that is approved and not started, or left behind by its run
    ended             in what it did; `Idle` where nothing was due; failed, by what failed

A step that fails stops no other, but it fails the run. Run it as often as you like, also twice at once:
everything is read from the record, and done once. Prefect stores campaign numbers and counts.
"""

from prefect.task_runners import ThreadPoolTaskRunner

from tasks.guard.decorators import flow
from tasks.reconcile import ended, reconcile
from tasks.settle import wake
from tasks.settle_operations import start_operation


@flow(
    name="settle",
    flow_run_name="settle",
    task_runner=ThreadPoolTaskRunner(max_workers=2),
)
def settle() -> object:
    """Reconcile whatever can be reconciled now."""
    done = reconcile()
    woken = wake.map(done.due)
    started = start_operation.map(done.lost)
    return ended(done, (*woken, *started))
