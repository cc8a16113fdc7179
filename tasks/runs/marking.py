"""
A run's tag and name say what it is of, as soon as that is known: one request for each run.

    tag     `campaign-7`, `operation-3`: a filter in the Prefect UI, and how its runs are found (going_on.py)
    name    `message-plain-by-sms` becomes `message-7-plain-by-sms`
"""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from tasks.show.artifacts import unless_gone


@unless_gone
def mark_run(tag: str, number: str) -> None:
    """Mark the run that this is called in. Again, or without a server: nothing."""
    tags, name, own = list(flow_run.tags or []), str(flow_run.name or ""), flow_run.get_id()
    kind, _, rest = name.partition("-")
    known = rest.startswith(f"{number}-") or name.endswith(f"-{number}")
    named = name if known else f"{kind}-{number}-{rest}"
    if own is None or (tag in tags and named == name):
        return
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(own), tags=sorted({*tags, tag}), name=named)
