"""
Who had the same template or text lately, from whatever list (NEW-30): a list that was sent and then changed
a little is another file, and its patients are the same.

    same template, any version │ another template of the same text ─► campaigns ─► their patients
        when the list is checked: who had it, may have had it, or is about to have it
        in the intent to send:    who had it or may have had it; of two campaigns at once the first one sends

What failed does not count, nor does a dry run; what the outbox kept counts for the outbox alone. Never asked
of reminders, of staff, of failures that are sent again, and where the sender said --again.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection, Select

from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.counting import sending_since
from clinic.message.eligibility.contact import may_have_left
from clinic.message.purposes import STAFF_LIST
from clinic.record.bulk import is_any_of
from clinic.record.schema.lists import cohort_list, template_version
from clinic.record.schema.messages import campaign, message
from clinic.record.statements.made import At, Instant, Made
from clinic.record.told import of_teller
from clinic.settings import Contact

# Whose messages recur, or are those of another campaign
_EXEMPT: Final = ("report", "resend", STAFF_LIST)
_LEFT: Final = (states.ACCEPTED, states.DELIVERED, states.UNKNOWN)
# Of a campaign that is only looked at nobody knows whether it will go; of one that ended nothing will
_NOT_ON_ITS_WAY: Final = (states.CHECKING, *states.ENDED)


def had_the_same(
    connection: Connection, campaign_id: int, contact: Contact, patients: Sequence[int],
    now: datetime,
) -> set[int]:  # fmt: skip
    """Which of these patients had what this campaign says, or are about to have it from another one."""
    if not patients or not (others := saying_the_same(connection, campaign_id, contact, now)):
        return set()
    on_its_way = (message.c.state == states.PENDING) & campaign.c.state.not_in(_NOT_ON_ITS_WAY)
    found = (
        sa.select(message.c.patient_id)
        .join(campaign, campaign.c.id == message.c.campaign_id)
        .where(
            message.c.campaign_id.in_(others),
            is_any_of(message.c.patient_id, patients),
            sa.or_(_left(contact, now), on_its_way),
        )
    )
    return set(connection.scalars(found))


def had_it_meanwhile(
    others: Sequence[int], contact: Contact, members: Select[tuple[int]], now: At
) -> Select[tuple[int]]:
    """
    The ids among `members` who had it from another campaign since they were accepted.

    Args:
        others: campaigns that `saying_the_same`
    """
    return sa.select(message.c.patient_id).where(
        message.c.campaign_id.in_(others),
        message.c.patient_id.in_(members),
        sa.or_(_left(contact, now), may_have_left()),
    )


def _left(contact: Contact, now: At) -> sa.ColumnElement[bool]:
    since = now - timedelta(days=contact.same_days)
    return of_teller("state").in_(_LEFT) & (of_teller("sent_at") > since)


def saying_the_same(
    connection: Connection, campaign_id: int, contact: Contact, now: datetime
) -> list[int]:
    """Other campaigns of the channel and those days that say the same; none where it may be said again."""
    job = get_campaign(connection, campaign_id)
    if not contact.same_days or job.send_guard is None:
        return []
    if connection.scalar(_SOURCE, {"this_list": job.list_id}) in _EXEMPT:
        return []
    made = _same(job.gateway == states.OUTBOX, contact.same_days)
    own = {
        "this_campaign": job.id,
        "this_channel": job.channel,
        "this_version": job.template_version_id,
    }
    return list(connection.scalars(made.statement, made.values(now, own)))


_SOURCE: Final = sa.select(cohort_list.c.source).where(
    cohort_list.c.id == sa.bindparam("this_list")
)


@functools.cache
def _same(is_kept: bool, days: float) -> Made:
    """Made once: it is asked with each batch. is_kept: of those whose messages the outbox kept."""
    instant = Instant()
    own, other = template_version.alias(), template_version.alias()
    versions = (
        sa.select(other.c.id)
        .join(own, (own.c.template_id == other.c.template_id) | (own.c.body == other.c.body))
        .where(own.c.id == sa.bindparam("this_version"))
    )
    kept = campaign.c.gateway == states.OUTBOX
    found = sa.select(campaign.c.id).where(
        campaign.c.id != sa.bindparam("this_campaign"),
        campaign.c.channel == sa.bindparam("this_channel"),
        campaign.c.template_version_id.in_(versions),
        campaign.c.dry_run.is_(False),
        sending_since(instant - timedelta(days=days)),
        kept if is_kept else ~kept,
    )
    return Made(found, instant)
