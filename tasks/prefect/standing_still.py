"""What keeps everything from going on: sending stopped, no server, no worker, or a paused queue."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from clinic.message.campaign.sending_stop import Stopped
from clinic.settings import Settings
from tasks.prefect.polls import polling
from tasks.prefect.sending_queue import PAUSED_SAYS, is_paused
from tasks.processes import identity
from tasks.processes.server import server_status


def standing_still(settings: Settings, stopped: Stopped | None) -> dict[str, str]:
    """By its code, in words with what to do; empty: all can go on. Imports no prefect."""
    found: dict[str, str] = {}
    if stopped is not None:
        since = stopped.at.astimezone(ZoneInfo(settings.organisation.time_zone))
        found["sending_stopped"] = (
            f"Sending is stopped since {since:%-d %b %Y %H:%M}, by {stopped.by}: {stopped.says}. "
            "Look: cohort sending status"
        )
    who = identity.known(settings)
    worker = polling(settings, who) if who is not None else None
    if not server_status(settings).answers:
        found["server_away"] = (
            "The Prefect server does not answer: nothing begins or goes on by itself. "
            "Start it: cohort server start"
        )
    elif worker is None or not worker.polls:
        # Also where another installation's server answers at our port
        found["no_worker"] = (
            "No worker has asked for work within the last minute: nothing begins or goes on by itself. "
            "Look: cohort server status"
        )
    elif is_paused(settings):
        found["queue_paused"] = PAUSED_SAYS
    return found
