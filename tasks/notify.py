"""What and when: import whom an operation concerns, and judge their addresses."""

from __future__ import annotations

from clinic.notify.notices import name_all
from clinic.notify.notices import open_notice as open_it
from clinic.notify.request import NoticeRequest
from tasks.guard.decorators import task
from tasks.guard.while_away import WHILE_AWAY
from tasks.wiring import wiring


@task(name="open-notice", **WHILE_AWAY)
def open_notice(request: NoticeRequest) -> int:
    """The notice's campaign; a retried run finds the one that it made before."""
    parts = wiring()
    gateway = parts.gateway("email", dry_run=False)
    return open_it(
        parts.record, parts.clock, parts.settings, request,
        gateway=gateway.name, batch_limit=parts.batch_limit("email", gateway),
    )  # fmt: skip


@task(name="name-recipients", **WHILE_AWAY)
def name_recipients(campaign_id: int) -> int:
    """Give every facility, provider or address its outcome."""
    parts = wiring()
    name_all(parts.record, parts.clock, campaign_id)
    return campaign_id
