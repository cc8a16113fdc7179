"""Which appointments are reminded of: one call into `clinic`."""

from __future__ import annotations

from clinic.message.reminders.remind import begin_reminders
from clinic.message.reminders.reminder_request import ReminderRequest
from tasks.cohort import begun
from tasks.guard.decorators import task
from tasks.guard.while_away import WHILE_AWAY


@task(name="load-appointments", **WHILE_AWAY)
def load_appointments(request: ReminderRequest) -> int:
    """
    Take the appointments in and make their campaign; its number.

    A retried run is the same request: it finds the campaign that it made before.
    """
    return begun(request, begin_reminders)
