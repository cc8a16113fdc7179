"""That a campaign is a recall: by when patients should have answered, and who looks after it (NEW-31)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import CohortRefused
from clinic.govern.people.teams import owner_named
from clinic.record.schema.recall import recall
from clinic.values.snomed import check_snomed_codes


@dataclass(frozen=True)
class Recall:
    """
    What makes a campaign a recall.

    by: the day by which patients should have answered; owner: the team or operator of its follow-ups
    codes: SNOMED CT codes, each of which is an answer once a patient's record has it
    """

    by: date
    owner: str
    codes: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """For whoever decides whether it is sent."""
        codes = f"; an answer is also the code {' or '.join(self.codes)}" if self.codes else ""
        return f"answers by {self.by:%-d %b %Y}; follow-ups are those of {self.owner}{codes}"


def recall_asked(
    by: date | None, owner: str, codes: Sequence[str], usual_owner: str
) -> Recall | None:
    """
    The recall that a request means; None: it is none.

    Raises:
        CohortRefused: an owner or codes, and no date
        MendableError: something that is no SNOMED CT code
    """
    if by is not None:
        return Recall(by, owner.strip() or usual_owner, check_snomed_codes(codes))
    if owner or codes:
        raise CohortRefused(
            "recall-date-missing",
            "an owner or answer codes belong to a recall, and a recall has a date: --recall-by 2027-01-31, "
            "in a run recall_by. Nothing was sent",
        )
    return None


def require_recall_date(asked: Recall | None, now: datetime, zone: str) -> None:
    """
    Whether there is time left to answer.

    Raises:
        CohortRefused: the recall date has gone by
    """
    if asked is not None and asked.by < now.astimezone(ZoneInfo(zone)).date():
        raise CohortRefused(
            "recall-date-past",
            f"the recall date {asked.by:%-d %b %Y} has gone by: name the day by which patients should have "
            "answered (--recall-by, in a run recall_by). Nothing was sent",
        )


def keep_recall(connection: Connection, campaign_id: int, asked: Recall) -> None:
    """
    Keep it with its campaign, in the transaction that makes the campaign.

    Raises:
        NotFound: nobody is called like its owner
    """
    connection.execute(
        sa.insert(recall).values(
            campaign_id=campaign_id,
            recall_by=asked.by,
            owner=owner_named(connection, asked.owner),
            codes=" ".join(asked.codes) or None,
        )
    )


def recall_of(connection: Connection, campaign_id: int) -> Recall | None:
    """The campaign's; None: it is no recall."""
    row = connection.execute(
        sa.select(recall.c.recall_by, recall.c.owner, recall.c.codes).where(
            recall.c.campaign_id == campaign_id
        )
    ).one_or_none()
    return (
        None if row is None else Recall(row.recall_by, row.owner, tuple((row.codes or "").split()))
    )
