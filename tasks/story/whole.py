"""A campaign's whole story as the record tells it: what its runs' logs say, for `cohort show N --log`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.outcomes.summary import read_summary
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.messages import batch
from clinic.settings import Settings
from tasks.story import ending, leaving, listed, sending
from tasks.story.lines import Line
from tasks.story.spans import spans_of


class Told(NamedTuple):
    """A line, and the step of a run that tells it."""

    step: str
    line: Line


def story(
    record: Record, settings: Settings, timing: Timing, campaign_id: int, now: datetime
) -> list[Told]:
    """
    Every step that the campaign has been through, in order; where several runs were at it, as if by one.

    Raises:
        NotFound: there is no such campaign
    """
    summary = read_summary(record, campaign_id, now, timing)
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        told = [Told("load-cohort", one) for one in listed.loaded(connection, campaign_id)]
        if job.checked_rows or job.state != states.CHECKING:
            told += [Told("check-cohort", one) for one in listed.checked(connection, campaign_id)]
        told += _from_texts(connection, settings, timing, job, now)
        if job.released_at is not None:
            told += [Told("summarize", one) for one in ending.ended(connection, settings, summary)]
    return told


def _from_texts(
    connection: Connection, settings: Settings, timing: Timing, job: Campaign, now: datetime
) -> Iterator[Told]:
    """From when its messages were written: nothing of one that was refused before."""
    last = connection.scalar(
        sa.select(sa.func.max(batch.c.number)).where(batch.c.campaign_id == job.id)
    )
    if not last:
        return
    for line in leaving.rendered(connection, settings, job.id):
        yield Told("render", line)
    for line in leaving.approval(connection, settings, job.id):
        yield Told("wait-for-approval", line)
    if job.released_at is None:
        return
    for line in leaving.released(connection, settings, timing, job.id, now):
        yield Told("release", line)
    for span in spans_of(job.id, last):
        for line in sending.sent(connection, settings, span):
            yield Told("send-batch", line)
        for line in sending.saved(connection, span):
            yield Told("save-to-record", line)
