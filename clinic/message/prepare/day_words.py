"""
"Today" and "tomorrow" in a text that is sent on another day than it was written for.

    staged   ─► may some of it be sent on another day?   scheduled, spread, hours over, too slow a pace
    released ─► on another day than it was asked for?    a second approver took their time
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from clinic.errors import NotAllowed
from clinic.message.campaign.campaign import Campaign
from clinic.message.meanwhile.day_moved import first_asked, words_of_another_day
from clinic.message.template.variables import Setting
from clinic.message.timing.timing import Timing
from clinic.settings import Pace


def may_be_sent_later(job: Campaign, setting: Setting, asked: datetime) -> bool:
    """
    Whether some of a campaign may be sent on another day than its text was written for.

    asked: when that was; of a campaign that sends failures again, when the first one was asked for
    """
    calendar = setting.calendar
    today = setting.now.astimezone(calendar.zone).date()
    if asked.astimezone(calendar.zone).date() != today:
        return True
    opens = calendar.next_opening(job.channel, max(setting.now, job.start_at or setting.now))
    if opens is None or (job.stagger_days or 1) > 1:
        return True
    paces = _paces(job, setting)
    if any(pace.per_day and pace.per_day < job.rows for pace in paces):
        return True
    last = calendar.after_open_seconds(job.channel, opens, _seconds(job, paces))
    return last is None or last.astimezone(calendar.zone).date() != today


def require_same_day(connection: Connection, job: Campaign, timing: Timing, now: datetime) -> None:
    """
    Whether a text that names a day by today is released on the day it was asked for, or that was accepted.

    Raises:
        NotAllowed: it is not; nothing was sent
    """
    zone = timing.calendar.zone
    if found := words_of_another_day(connection, job.id, now, zone):
        asked = first_asked(connection, job.id).astimezone(zone)
        raise NotAllowed(
            "content-not-accepted",
            f"campaign {job.id} says {', '.join(found)}, and was asked for on {asked:%-d %b %Y}: its day may "
            f"be another one now. Write the date and ask for it again; first cohort cancel {job.id}",
        )


def _paces(job: Campaign, setting: Setting) -> tuple[Pace, ...]:
    """The campaign's own, that of every campaign, and its gateway's."""
    own = Pace(per_second=job.pace_second, per_hour=job.pace_hour, per_day=job.pace_day)
    return own, setting.pacing.campaign, getattr(setting.pacing, job.channel)


def _seconds(job: Campaign, paces: tuple[Pace, ...]) -> float:
    """How long its messages take at the slowest pace in open hours."""
    rates = [float(pace.per_second) for pace in paces if pace.per_second]
    rates += [pace.per_hour / 3600 for pace in paces if pace.per_hour]
    return job.rows / min(rates) if rates else 0.0
