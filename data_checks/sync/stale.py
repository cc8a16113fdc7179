"""
Whether what the record has from its sources is fresh enough to remind of appointments by (NEW-16).

A practice that moves and cancels in another system reminds of what was so when it was last imported: older
than `sync.reminder_hours`, nobody is reminded until a named person says yes. It is asked again when the
messages leave (clinic/message/reminders/stale.py).
"""

from __future__ import annotations

from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.list_index import PREVIEW
from clinic.message.campaign.campaign import Campaign
from clinic.message.campaign.override import override_of
from clinic.message.reminders.stale import accept_stale, is_accepted
from clinic.message.safety.accepted import acceptance_of
from clinic.record.database import Record
from clinic.record.systems.staleness import CODE, is_judged, late_sources, said_of_late
from clinic.settings import Settings
from data_checks.gate.verdict import Check, Verdict


def stale_sources(connection: Connection, settings: Settings, clock: Clock) -> Check | None:
    """The check; None where no source is set, or any age will do."""
    if not is_judged(settings):
        return None
    most = settings.sync.reminder_hours
    late = late_sources(connection, settings, clock.now())
    if not late:
        return Check(
            CODE, f"What came from the sources is at most {most:g} hours old.", "critical", True
        )
    return Check(
        CODE,
        f"Nobody is reminded of what may have been moved or cancelled since: {said_of_late(late)}; "
        f"{most:g} hours may be (sync.reminder_hours). Look why (cohort sources status), put it right and "
        "import again: cohort sources sync.",
        "critical",
        False,
    )


def note_yes(
    record: Record, clock: Clock, settings: Settings, job: Campaign, verdict: Verdict
) -> None:
    """
    Whoever let an evening pass that was stopped for this: their yes holds when its messages leave, for as long
    as an import of this moment would. Again: nothing. Of a look nothing stays behind.
    """
    stopped = any(check.name == CODE and check.stops for check in verdict.checks)
    if not stopped or job.request_key.startswith(PREVIEW):
        return
    with record.write() as connection:
        said = acceptance_of(connection, job.id, CODE) or override_of(connection, job.id)
        if said is not None and not is_accepted(connection, job.id, clock.now()):
            accept_stale(connection, clock, settings, job.id, by=said.by, reason=said.reason)
