"""
A campaign: one template to one list by one channel. Its id is the Bulk Outreach ID (ARC-18).

How it is opened: opening.py; what it may become, and what moves it: moves.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotFound
from clinic.message import states
from clinic.message.campaign.asked import Terms
from clinic.message.campaign.moves import move
from clinic.message.codes import ROOM
from clinic.message.states import CampaignState
from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from clinic.record.schema.receipts import reminder


@dataclass(frozen=True, kw_only=True)
class Campaign(Terms):
    """A campaign as it was when it was read: its terms, and the other columns of its row."""

    id: int
    message_base: int
    request_key: str
    list_id: int
    template_version_id: int
    list_name: str
    purpose: str
    state: CampaignState
    state_reason: str | None
    send_guard: str | None
    resend_of: int | None
    rows: int
    checked_rows: int
    staged_rows: int
    rewritten: str | None
    created_at: datetime
    released_at: datetime | None
    finished_at: datetime | None
    row_version: int
    resumed_at: datetime | None
    manifest_sha256: str | None
    canary_size: int | None
    canary_until: datetime | None
    canary_passed: bool
    halted_at: datetime | None
    halt_told_at: datetime | None
    doubt_since: datetime | None
    doubt_until: datetime | None
    doubt_said: str | None
    workers: int
    fallback_epoch: int | None

    @property
    def sent_through(self) -> str:
        """Its gateways, with a space between two."""
        return self.gateways or self.gateway


def _campaign(values: sa.RowMapping) -> Campaign:
    """The campaign of a whole row of its table."""
    return Campaign(**{**values, "state": CampaignState(values["state"])})


# Made once: it is asked with each batch (clinic/record/statements/made.py)
_ONE: Final = sa.select(campaign).where(campaign.c.id == sa.bindparam("this_campaign"))


def get_campaign(connection: Connection, campaign_id: int) -> Campaign:
    """
    The campaign as it is.

    Raises:
        NotFound: there is no such campaign
    """
    row = connection.execute(_ONE, {"this_campaign": campaign_id}).mappings().one_or_none()
    if row is None:
        raise NotFound(
            "campaign-unknown", f"there is no campaign {campaign_id}; see: cohort campaigns"
        )
    return _campaign(row)


def campaigns_where(connection: Connection, *which: sa.ColumnElement[bool]) -> list[Campaign]:
    """The campaigns of which these conditions hold, by their numbers."""
    query = sa.select(campaign).where(*which).order_by(campaign.c.id)
    return [_campaign(row) for row in connection.execute(query).mappings()]


def locked_campaign(connection: Connection, campaign_id: int) -> Campaign:
    """The campaign as it is, and as nobody else changes it until the transaction ends."""
    connection.execute(
        sa.select(campaign.c.id).where(campaign.c.id == campaign_id).with_for_update()
    )
    return get_campaign(connection, campaign_id)


def refuse(record: Record, campaign_id: int, code: str) -> None:
    """
    The gate or a person stopped it: nothing of it is ever sent, and the same list may be tried again.

    Appointments that it was to remind of are given back: a later run may.
    """
    with record.write() as connection:
        own = campaign.c.id == campaign_id
        told = {"state_reason": code, "send_guard": None}
        if move(connection, states.REFUSED, own, of=[states.CHECKING], **told):
            base = get_campaign(connection, campaign_id).message_base
            connection.execute(
                sa.update(reminder)
                .where(reminder.c.message_id >= base, reminder.c.message_id < base + ROOM)
                .values(message_id=None)
            )
