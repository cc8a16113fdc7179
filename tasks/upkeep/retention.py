"""What and when: remove what is due of what is kept. One call into `clinic`."""

from __future__ import annotations

from clinic.govern.audit.anchor import anchor_of, write_anchor
from clinic.govern.people.service import acts_as
from clinic.retention.night import purge
from tasks.guard.decorators import may_mend_itself, task
from tasks.wiring import wiring


@task(
    name="remove-copies",
    retries=2,
    retry_delay_seconds=[30, 300],
    retry_condition_fn=may_mend_itself,
)
def remove_copies() -> dict[str, int]:
    """
    Remove the copies that are due and nobody holds; how many lists, messages and files.

    Raises:
        NotAllowed: no service may act (clinic/govern/people/service.py)
    """
    parts = wiring()
    acts_as(parts.record, parts.settings.operator)
    gone = purge(parts.record, parts.clock, parts.settings)
    write_anchor(parts.record, anchor_of(parts.settings), clock=parts.clock)
    return gone
