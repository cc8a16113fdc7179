"""
How recalls stand: a campaign's messages may all be sent, and its recall is not complete (NEW-31).

It is complete once its day has come, whoever did not answer is listed, and every follow-up is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.recall.unreached import is_meant
from clinic.record.bulk import is_any_of
from clinic.record.schema.messages import campaign
from clinic.record.schema.recall import recall, recall_task


@dataclass(frozen=True)
class RecallStanding:
    """
    A recall, and its follow-ups.

    state: "running" until its day, then "open" while a follow-up is, then "complete"
    listed: all its follow-ups; open, overdue: of these
    """

    campaign_id: int
    list_name: str
    by: date
    owner: str
    state: str
    listed: int
    open: int
    overdue: int

    @property
    def short(self) -> str:
        """In a word, with how many follow-ups are open."""
        return f"{self.state}: {self.open:,}" if self.open else self.state

    @property
    def says(self) -> str:
        """In a sentence."""
        late = f", {self.overdue:,} of them overdue" if self.overdue else ""
        return (
            f"{self.state}: by {self.by:%-d %b %Y}, {self.open:,} of {self.listed:,} follow-ups open{late}; "
            f"{self.owner}"
        )


def standing_of(
    connection: Connection, today: date, campaigns: Sequence[int] | None
) -> list[RecallStanding]:
    """Those of these campaigns that are recalls, by their numbers; None: of all."""
    task = recall_task.c
    is_open = task.done_at.is_(None)
    query = (
        sa.select(
            recall, campaign.c.list_name,
            sa.func.count(task.row_number).label("listed"),
            sa.func.count(task.row_number).filter(is_open).label("open"),
            sa.func.count(task.row_number).filter(is_open & (task.due_on < today)).label("overdue"),
        )
        .join(campaign, campaign.c.id == recall.c.campaign_id)
        .outerjoin(recall_task, task.campaign_id == recall.c.campaign_id)
        .where(is_meant())
        .group_by(*recall.c, campaign.c.list_name)
        .order_by(recall.c.campaign_id)
    )  # fmt: skip
    if campaigns is not None:
        query = query.where(is_any_of(recall.c.campaign_id, campaigns))
    return [
        RecallStanding(
            row.campaign_id, row.list_name, row.recall_by, row.owner,
            "running" if row.judged_at is None else "open" if row.open else "complete",
            row.listed, row.open, row.overdue,
        )
        for row in connection.execute(query)
    ]  # fmt: skip
