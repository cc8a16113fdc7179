"""
How often a patient was messaged lately, over all campaigns (NEW-8, NEW-30), and whose number failed for good.
Reminders and recalls are apart: nobody goes without one for a newsletter's sake, and they crowd out nothing.

A message counts from the moment of its intent: while nobody knows whether it left, it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection, Select

from clinic.message import states
from clinic.message.audience.classes import RECALL
from clinic.message.campaign.counting import first_message_since
from clinic.message.network_reasons import NOT_OF_THE_NUMBER, PERMANENT
from clinic.message.purposes import STAFF_LIST
from clinic.message.timing.pacing import DAY, Lane, Turn
from clinic.record.bulk import is_any_of
from clinic.record.schema.lists import cohort_list, template, template_audience, template_version
from clinic.record.schema.messages import campaign, message, submission
from clinic.record.statements.made import At, Instant, Made, keep, known
from clinic.record.told import of_teller
from clinic.settings import Contact

# Whoever counts and then sends does so alone: two campaigns must not each see the other's message missing
_TURN = Lane("contact", {DAY: 1})
_APART = ("report", STAFF_LIST)  # lists of appointments, and of colleagues
_COUNTED = (states.ACCEPTED, states.DELIVERED, states.UNDELIVERED, states.UNKNOWN)


def is_capped(connection: Connection, contact: Contact, campaign_id: int) -> bool:
    """Whether this campaign's messages are counted against the cap."""
    if not contact.most:
        return False
    key = ("capped", contact.exempt_purposes, contact.exempt_types)
    if (made := known(key)) is None:
        own = campaign.c.id == sa.bindparam("this_campaign")
        query = _with_template(sa.select(campaign.c.id)).where(own, _is_capped(contact))
        made = keep(key, Made(query, Instant()))
    return connection.scalar(made.statement, {"this_campaign": campaign_id}) is not None


def _is_capped(contact: Contact) -> sa.ColumnElement[bool]:
    """Of campaigns, with their list and template: whether they are counted."""
    return sa.and_(
        campaign.c.purpose.not_in(contact.exempt_purposes),
        template.c.message_type.not_in(contact.exempt_types),
        sa.func.coalesce(template_audience.c.classes, "").not_like(f"%{RECALL}%"),
        cohort_list.c.source.not_in(_APART),
    )


def _with_template(query: Select[tuple[int]]) -> Select[tuple[int]]:
    """With the list and the template of each campaign of the query."""
    return (
        query.join(cohort_list, cohort_list.c.id == campaign.c.list_id)
        .join(template_version, template_version.c.id == campaign.c.template_version_id)
        .join(template, template.c.id == template_version.c.template_id)
        .outerjoin(
            template_audience, template_audience.c.template_version_id == template_version.c.id
        )
    )


def recently_contacted(
    contact: Contact, patients: Select[tuple[int]], now: At, *, but: Sequence[int] = ()
) -> Select[tuple[int]]:
    """
    The ids among `patients` who had as many messages as the cap allows in the period before `now`.

    Args:
        but: campaigns whose messages do not count
    """
    since = now - timedelta(days=contact.days)
    left = of_teller("state").in_(_COUNTED) & (of_teller("sent_at") > since)
    query = (
        _with_template(
            sa.select(message.c.patient_id).join(campaign, campaign.c.id == message.c.campaign_id)
        )
        .where(
            message.c.patient_id.in_(patients),
            message.c.id >= first_message_since(since),
            campaign.c.dry_run.is_(False),
            campaign.c.gateway != states.OUTBOX,
            _is_capped(contact),
            sa.or_(left, may_have_left()),
        )
        .group_by(message.c.patient_id)
        .having(sa.func.count() >= contact.most)
    )
    return query.where(message.c.campaign_id.not_in(but)) if but else query


def may_have_left() -> sa.ColumnElement[bool]:
    """
    Of messages: whether somebody is about to send it, or was and has not said what became of it; or is about
    to send the one that tells its patient.
    """
    under_way = (
        sa.select(submission.c.id)
        .where(submission.c.batch_id == message.c.batch_id, submission.c.state == states.INTENT)
        .exists()
    )
    teller = message.alias("teller")
    tells = sa.select(teller.c.attempts).where(teller.c.id == message.c.told_by).scalar_subquery()
    attempts = sa.case((message.c.told_by.is_not(None), tells), else_=message.c.attempts)
    return (message.c.state == states.PENDING) & (attempts > 0) & under_way


def wait_for_turn(connection: Connection, now: datetime) -> None:
    """Until the transaction ends nobody else counts how often patients were messaged."""
    Turn(connection, [_TURN], now)


def note_attempt(connection: Connection, references: Sequence[int]) -> None:
    """These waiting messages are about to leave: from now on they count."""
    connection.execute(
        sa.update(message)
        .where(is_any_of(message.c.id, references), message.c.state == states.PENDING)
        .values(attempts=message.c.attempts + 1)
    )


def likely_to_fail(channel: str, patients: Select[tuple[int]]) -> Select[tuple[int, str]]:
    """
    Patient and address, of those whose last message to that address failed for good (ACX [A3]).

    By what is wrong with the number: one that was too long, or that two people found not to have been
    sent, says nothing of it.
    """
    rank = (
        sa.func.row_number()
        .over(
            partition_by=[message.c.patient_id, message.c.address],
            order_by=[of_teller("status_at").desc(), message.c.id.desc()],
        )
        .label("rank")
    )
    last = (
        sa.select(
            message.c.patient_id,
            message.c.address,
            of_teller("state").label("state"),
            of_teller("reason").label("reason"),
            rank,
        )
        .where(
            message.c.patient_id.in_(patients),
            message.c.channel == channel,
            of_teller("state").in_([*_COUNTED, states.REJECTED]),
        )
        .subquery()
    )
    why = sa.func.coalesce(last.c.reason, "")
    for_good = why.not_in(NOT_OF_THE_NUMBER) & sa.or_(
        last.c.state == states.REJECTED,
        (last.c.state == states.UNDELIVERED) & why.in_(PERMANENT),
    )
    return sa.select(last.c.patient_id, last.c.address).where(last.c.rank == 1, for_good)
