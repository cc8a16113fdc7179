"""
What is judged of a campaign as a whole, once all of it is staged: its size (NEW-30), and how many are asked to
call in an hour. What is found is kept beside what was found in its messages (content.py), and accepted alike.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.campaign import Campaign, locked_campaign
from clinic.message.prepare.usual import size_of, why_unusual
from clinic.message.template.variables import Setting
from clinic.message.timing.schedule import patients_a_day
from clinic.message.words.classes import CALL, CALLING, CODE, SIZE
from clinic.record.schema.safety import content_finding
from clinic.settings import Pace

_HOUR = 3600  # seconds
_DAY = 8  # hours in which somebody answers


def judge_whole(connection: Connection, campaign_id: int, setting: Setting) -> None:
    """Keep what is found of a staged campaign. Again: the same."""
    job = locked_campaign(connection, campaign_id)
    if job.state != states.CHECKING:
        return
    _forget(connection, job.id, SIZE)
    size = size_of(connection, job, setting.release)
    if size is not None and (why := why_unusual(size, setting.release)):
        _keep_size(connection, job.id, size.messages, why)
    _judge_calls(connection, job, setting)


def _judge_calls(connection: Connection, job: Campaign, setting: Setting) -> None:
    """What the lines take is no finding; what they take on a day is a warning; more must be accepted."""
    asked = _asked_to_call(connection, job.id)
    busiest = busiest_hour(job, setting, asked)
    most = setting.content.calls_an_hour
    if asked and busiest <= (most or asked):
        _forget(connection, job.id, CODE + CALL)
    elif asked and busiest <= _DAY * most:
        own = content_finding.c
        connection.execute(
            sa.update(content_finding)
            .where(own.campaign_id == job.id, own.check_code == CODE + CALL)
            .values(check_code=CODE + CALLING)
        )


def busiest_hour(job: Campaign, setting: Setting, messages: int) -> int:
    """How many of these messages are sent within an hour at most, by the campaign's days and its paces."""
    own = Pace(per_second=job.pace_second, per_hour=job.pace_hour, per_day=job.pace_day)
    most = [patients_a_day(messages, job.stagger_days)] if job.stagger_days else [messages]
    for pace in (own, setting.pacing.campaign, getattr(setting.pacing, job.channel)):
        most += [one for one in (pace.per_hour, pace.per_day) if one is not None]
        most += [pace.per_second * _HOUR] if pace.per_second is not None else []
    return min(most)


def _asked_to_call(connection: Connection, campaign_id: int) -> int:
    own = content_finding.c
    found = sa.select(own.messages).where(
        own.campaign_id == campaign_id, own.check_code == CODE + CALL
    )
    return connection.scalar(found) or 0


def _keep_size(connection: Connection, campaign_id: int, messages: int, why: str) -> None:
    whole = {"campaign_id": campaign_id, "check_code": SIZE, "messages": messages, "first_rows": ""}
    connection.execute(
        sa.insert(content_finding), [{**whole, "phrase": ""}, {**whole, "phrase": why}]
    )


def _forget(connection: Connection, campaign_id: int, code: str) -> None:
    own = content_finding.c
    connection.execute(
        sa.delete(content_finding).where(own.campaign_id == campaign_id, own.check_code == code)
    )
