"""
The days that a campaign's messages ask patients to keep: judged for the day on which they begin to be sent.

A row whose day is over by then is `date_gone_by`. The day of any other is kept with its recipient, and asked
again when the message is sent: a campaign may be spread over weeks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.list_index import PREVIEW
from clinic.cohort.rows import ListSource
from clinic.message.campaign.campaign import Campaign
from clinic.message.meanwhile.gone_by import CODE, days_to_keep, days_told, gone_by
from clinic.message.purposes import STAFF_LIST
from clinic.message.safety.accepted import acceptance_for, apply_acceptance
from clinic.record.database import Record
from clinic.settings import Settings
from clinic.values.dates import Order


@dataclass
class DaysToKeep:
    """
    names: variables that print such a day; sent: when the first messages are; otherwise: of days and months
    accepted: whether a named person accepts the days that are over at the check; passed: how many rows
    have one so far
    """

    names: tuple[str, ...]
    today: date
    sent: date
    order: Order
    otherwise: Order
    accepted: bool
    passed: int = 0

    def judge(self, facts: pd.DataFrame, values: pd.DataFrame) -> None:
        """Add to a block's facts which variable's day is over (text), and the day to keep (date or None)."""
        facts[CODE] = pd.Series("", index=facts.index, dtype="str")
        facts["keep_day"] = pd.Series([None] * len(facts), index=facts.index, dtype=object)
        names = [name for name in self.names if name in values.columns]
        if not names:
            return
        told = days_told(
            values[names], today=self.today, order=self.order, otherwise=self.otherwise
        )
        over = gone_by(told, self.sent)
        if self.accepted:
            # For those that are over now: the days of the others are asked again when they leave
            self.passed += int((over != "").sum())
            told = days_told(
                values[names],
                today=self.today,
                order=self.order,
                otherwise=self.otherwise,
                since=self.sent,
            )
        else:
            facts[CODE] = over
        days = told["day"]
        facts["keep_day"] = days.dt.date.astype(object).where(days.notna(), None)


def read_days_to_keep(
    connection: Connection, job: Campaign, source: ListSource, fixed: str, settings: Settings,
    now: datetime,
) -> DaysToKeep:  # fmt: skip
    """
    What a campaign's template prints as days to keep.

    Args:
        fixed: the template's own words
    """
    zone = ZoneInfo(settings.organisation.time_zone)
    return DaysToKeep(
        () if source.source == STAFF_LIST else days_to_keep(fixed),
        today=now.astimezone(zone).date(),
        sent=max(now, job.start_at or now).astimezone(zone).date(),
        order=source.date_order,
        otherwise="mdy" if settings.hours.country == "US" else "dmy",
        accepted=acceptance_for(connection, job.id, CODE) is not None,
    )


def note_accepted(record: Record, clock: Clock, job: Campaign, days: DaysToKeep) -> None:
    """Where days that are over were found and accepted, that counts, with the act."""
    if not days.passed or job.request_key.startswith(PREVIEW):
        return
    with record.write() as connection:
        found = {"variables": sorted(days.names)}
        apply_acceptance(connection, clock, job.id, CODE, found=found, rows=days.passed)
