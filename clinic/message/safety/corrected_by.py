"""
The corrections of a campaign, and who had one: of a campaign, and of those that sent its failures again.

A wrong text that was sent again by a resend is one wrong text: whoever was corrected for the campaign is not
corrected for the resend, unless that came after the correction. Several patients of a number who were told by
one message are corrected by one: each of them reads what the other does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.rows import CORRECTION
from clinic.errors import NotAllowed
from clinic.message import states
from clinic.record.bulk import is_any_of
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign, message
from clinic.record.told import of_teller

_IN_THE_MAKING: Final = timedelta(minutes=10)


class Had(NamedTuple):
    """A correction that somebody got, may have got, or is about to get."""

    campaign_id: int
    address: str


def criteria(campaign_id: int) -> str:
    """What the list of a correction says of itself: so the link is sealed with it."""
    return orjson.dumps({"corrects": campaign_id}).decode()


def family_of(connection: Connection, campaign_id: int) -> list[int]:
    """The campaign and those that sent its failures again: who got it by them got it too."""
    found, new = [campaign_id], [campaign_id]
    while new:
        again = sa.select(campaign.c.id).where(campaign.c.resend_of.in_(new))
        new = [key for key in connection.scalars(again) if key not in found]
        found += new
    return found


def first_of(connection: Connection, campaign_id: int) -> int:
    """Where the text came from: the campaign whose failures were sent again by others, one after the other."""
    before = connection.scalar(sa.select(campaign.c.resend_of).where(campaign.c.id == campaign_id))
    return campaign_id if before is None else first_of(connection, before)


def corrections_of(connection: Connection, campaign_id: int) -> list[int]:
    """The campaigns that correct this text, in order; those that were refused reached nobody."""
    query = _corrections(connection, campaign_id)
    return list(connection.scalars(query.order_by(campaign.c.id)))


def require_none_begun(connection: Connection, campaign_id: int, now: datetime) -> None:
    """
    Raises:
        NotAllowed: another correction is being prepared: nobody knows yet who gets it
    """
    begun = _corrections(connection, campaign_id).where(campaign.c.state == states.CHECKING)
    if (other := connection.scalar(begun.limit(1))) is not None:
        raise NotAllowed(
            "correct-under-way",
            f"campaign {other} corrects campaign {campaign_id} already, and is being prepared. Let it go on: "
            f"cohort message --resume {other}; or end it: cohort cancel {other}",
        )
    # Somebody's list, whose campaign is about to be made
    made = sa.select(campaign.c.id).where(campaign.c.list_id == cohort_list.c.id)
    listed = _lists(connection, campaign_id).where(
        ~made.exists(), cohort_list.c.taken_at > now - _IN_THE_MAKING
    )
    if connection.scalar(listed.limit(1)) is not None:
        raise NotAllowed(
            "correct-under-way",
            f"another correction of campaign {campaign_id} was begun a moment ago; see: "
            f"cohort show {campaign_id}",
        )


def who_had_one(
    connection: Connection, campaign_id: int, waits: Sequence[str]
) -> dict[int, list[Had]]:
    """By patient: the corrections that are in these states, for them or for whoever was told for them."""
    ids = corrections_of(connection, campaign_id)
    columns = (message.c.patient_id, message.c.campaign_id, message.c.address)
    rows = connection.execute(
        sa.select(*columns).where(
            is_any_of(message.c.campaign_id, ids), of_teller("state").in_(waits)
        )
    )
    found: dict[int, list[Had]] = {}
    for patient_id, number, address in rows.tuples():
        found.setdefault(patient_id, []).append(Had(number, address))
    return found


def _corrections(connection: Connection, campaign_id: int) -> sa.Select[tuple[int]]:
    lists = _lists(connection, campaign_id)
    live = (campaign.c.state != states.REFUSED) & ~campaign.c.dry_run
    return sa.select(campaign.c.id).where(campaign.c.list_id.in_(lists), live)


def _lists(connection: Connection, campaign_id: int) -> sa.Select[tuple[int]]:
    """The lists of those who were to have a correction."""
    family = family_of(connection, first_of(connection, campaign_id))
    return sa.select(cohort_list.c.id).where(
        cohort_list.c.source == CORRECTION,
        cohort_list.c.criteria.in_([criteria(key) for key in family]),
    )
