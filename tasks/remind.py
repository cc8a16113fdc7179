"""Which appointments are reminded of: one call into `clinic`."""

from __future__ import annotations

from prefect.runtime import flow_run

from clinic.message.campaign.override import require_proven
from clinic.message.reminders.remind import begin_reminders
from clinic.message.reminders.reminder_request import ReminderRequest
from tasks.guard.decorators import task
from tasks.guard.while_away import WHILE_AWAY
from tasks.processes.log_file import of_campaign
from tasks.wiring import wiring


@task(name="load-appointments", **WHILE_AWAY)
def load_appointments(request: ReminderRequest) -> int:
    """
    Take the appointments in and make their campaign; its number.

    A retried run is the same request: it finds the campaign that it made before.
    """
    parts = wiring()
    key = request.request_key or f"run-{flow_run.id}"
    if request.override_gate is not None:
        require_proven(parts.record, key)
    gateway = parts.gateway(request.channel, dry_run=request.dry_run, outbox=request.outbox)
    campaign_id = begin_reminders(
        parts.record,
        parts.clock,
        parts.settings,
        request,
        request_key=key,
        gateway=gateway.name,
        batch_limit=gateway.batch_limit,
    )
    of_campaign(campaign_id)
    return campaign_id
