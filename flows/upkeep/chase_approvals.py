"""
Chase approvals, every morning: what waits too long for a decision, and what nobody can decide.

    find_late_requests ─► show_late                        what has expired is closed first
                       └► stage_reminder ─► send_batch     an e-mail to the team, once a day

Run it as often as you like: the same requests are reminded of once a day. Prefect stores numbers of
requests, roles and hours.
"""

from prefect.task_runners import ThreadPoolTaskRunner

from tasks.guard.decorators import flow
from tasks.messages import send_batch
from tasks.runs.stopping import drained
from tasks.upkeep.chase import find_late_requests, show_late, stage_reminder


@flow(
    name="chase-approvals",
    flow_run_name="chase-approvals",
    task_runner=ThreadPoolTaskRunner(max_workers=2),
)
@drained
def chase_approvals() -> object:
    """Remind the team of requests for approval that wait too long."""
    late = find_late_requests()
    shown = show_late(late, return_state=True)
    sent = send_batch.map(stage_reminder(late))
    return shown, *sent
