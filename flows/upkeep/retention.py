"""
Retention, every night: copies whose time is over go; records wait for two people (cohort retention).

    remove_copies          lists' cells, the outbox, files: in blocks, each with its stub

Run it as often as you like: it removes what is due and nobody holds, once. Prefect stores counts.
"""

from tasks.guard.decorators import flow
from tasks.upkeep.retention import remove_copies


@flow(name="retention", flow_run_name="retention")
def retention() -> object:
    """Remove the copies that are due."""
    return remove_copies(return_state=True)
