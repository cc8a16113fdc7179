"""
The document that each message of a campaign leads to: what the message says of it, and what the review does.

It is part of what is approved by its digest (manifest.py). Until a message leaves its link is a placeholder.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.attach.take_in import NOTICE, read_attachment
from clinic.link.token import address
from clinic.message.campaign.campaign import Campaign
from clinic.message.campaign.counting import messages_of
from clinic.record.schema.messages import message
from clinic.record.schema.people import patient
from clinic.settings.systems.door import Door


def ending_of(job: Campaign, door: Door) -> str:
    """What each message ends with; "": the campaign leads to no document."""
    if job.attachment_sha256 is None:
        return ""
    return "\n" + door.document_says.replace("{link}", address(door.base))


def lead_to(bodies: pd.Series[str], ending: str) -> pd.Series[str]:
    """The texts with that ending; one without any text stays without."""
    return bodies.where(bodies.str.strip() == "", bodies.str.rstrip() + ending)


@dataclass(frozen=True)
class Document:
    """What a person who reviews or looks at a campaign is told of its document."""

    sha256: str
    says: str
    notice: str = NOTICE
    without_birth_date: int = 0

    @property
    def lines(self) -> tuple[str, ...]:
        """Name and notice, and whom it cannot be opened by."""
        cannot = (
            f"{self.without_birth_date:,} of them have no date of birth on the record and cannot open it.",
        )
        own = (f"Document: {self.says}", self.notice)
        return (*own, *cannot) if self.without_birth_date else own


def document_of(connection: Connection, job: Campaign) -> Document | None:
    """The document of a campaign; None: it has none."""
    if job.attachment_sha256 is None:
        return None
    found = read_attachment(connection, job.attachment_sha256)
    known = sa.exists().where(
        patient.c.id == message.c.patient_id, patient.c.birth_date.is_not(None)
    )
    without = connection.scalar(
        sa.select(sa.func.count()).select_from(message).where(messages_of(job.id), ~known)
    )
    return Document(found.sha256, found.says, without_birth_date=without or 0)
