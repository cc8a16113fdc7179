"""
The queue of all that messages patients: whether it is paused, and letting it go on.

An automation pauses it when campaigns halt one after the other (automations.py); a person may in Prefect's
pages. What is due then waits, the nightly reminders too: whoever looks at campaigns must see it.
"""

from __future__ import annotations

from typing import Final

from clinic.settings import Settings
from tasks.processes import identity
from tasks.processes.server import ask_server

SENDING_QUEUE: Final = "messages"  # of the deployments that message patients, in prefect.yaml
PAUSED_SAYS: Final = (
    "The queue of messages is paused: no scheduled campaign and no reminder is sent. Find out why "
    "(cohort campaigns), then let it go on: cohort server resume"
)


def is_paused(settings: Settings) -> bool:
    """Whether the queue stands still; False too where no server answers. Imports no prefect."""
    who = identity.known(settings)
    if who is None:
        return False
    queue = ask_server(settings, f"/work_pools/{who.pool}/queues/{SENDING_QUEUE}")
    return isinstance(queue, dict) and bool(queue.get("is_paused"))


def go_on(settings: Settings) -> bool:
    """
    Let the queue go on; whether it was paused. Call `apply_environment` first: this imports prefect.
    """
    from prefect.client.orchestration import get_client

    if not is_paused(settings):
        return False
    with get_client(sync_client=True) as client:
        pool = identity.read(settings).pool
        queue = client.read_work_queue_by_name(SENDING_QUEUE, work_pool_name=pool)
        client.update_work_queue(queue.id, is_paused=False)
    return True
