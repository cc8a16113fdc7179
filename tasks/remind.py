"""Which appointments are reminded of: one call into `clinic`."""

from __future__ import annotations

from clinic.govern.people.service import acts_as
from clinic.message.reminders.remind import begin_reminders
from clinic.message.reminders.reminder_request import ReminderRequest
from tasks.cohort import begun
from tasks.guard.decorators import task
from tasks.guard.while_away import WHILE_AWAY
from tasks.wiring import wiring


@task(name="load-appointments", **WHILE_AWAY)
def load_appointments(request: ReminderRequest) -> int:
    """
    Take the appointments in and make their campaign; its number.

    A retried run is the same request: it finds the campaign that it made before. One that names nobody is the
    schedule's: it acts as the service.

    Raises:
        NotAllowed: no service may act (clinic/govern/people/service.py), or as `begun`
    """
    parts = wiring()
    if not request.requested_by:
        by = acts_as(parts.record, parts.settings.operator)
        request = request.model_copy(update={"requested_by": by})
    return begun(request, begin_reminders)
