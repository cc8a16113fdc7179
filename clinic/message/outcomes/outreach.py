"""
What was sent to whom: the patient's outreach card (ARC-16) and the Outreach Report (ARC-17).

Both read the ledger, so that they tell of a message also where it was not filed on the record. Listed is
what was sent, and what was tried and failed. What waits stands apart, with its date (`list_waiting`). What was
left out at the moment of sending, what was cancelled, what nobody confirmed, and dry runs are not listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotFound
from clinic.message import states
from clinic.message.campaign.counting import first_message_since, messages_of, sending_since
from clinic.message.outcomes.reasons import message_says
from clinic.message.outcomes.save import STATUS_WORDS
from clinic.record.database import Record
from clinic.record.safe_numbers import shown
from clinic.record.schema.lists import template, template_version
from clinic.record.schema.messages import batch, campaign, message
from clinic.record.schema.people import ITEM_STATUS, patient
from clinic.record.told import of_teller

PAGE = 5_000
# COM-9, in the words of the clinical item. The gateway's yes is not yet the network's: that is Pending.
# An item is written only of what was tried; here what was given up has a word too
WORDS: Final = {
    state: STATUS_WORDS[status]
    for state, status in (
        *ITEM_STATUS.items(),
        (states.EXPIRED, "failed"),
        (states.EXHAUSTED, "failed"),
    )
}
KEPT: Final = STATUS_WORDS["kept"]
# Of which nothing more is sent; and those being checked, of which nobody has said yes (ARC-6)
_NOT_WAITING: Final = (states.ENDED - {states.MISSED}) | {states.CHECKING}
# When it left; of what failed before it left: when that was known
_AT: Final = sa.func.coalesce(of_teller("sent_at"), of_teller("status_at"))
_STATE: Final = of_teller("state")


@dataclass(frozen=True)
class Filter:
    """Which messages: all that is given must match; instants are aware. `status`: as it is shown."""

    campaign_id: int | None = None
    patient_id: int | None = None
    sent_from: datetime | None = None
    sent_before: datetime | None = None
    status: str | None = None


class Sent(NamedTuple):
    """
    One message (COM-8); a tuple, since half a million are made for a report.

    `campaign_id` is its Bulk Outreach ID (ARC-18); `state` is the ledger's own word.

    sent_at: of what failed before it left: when that was known
    """

    id: int
    campaign_id: int
    list_name: str
    template: str
    patient_id: int
    nhs_number: str | None
    local_id: str | None
    channel: str
    address: str
    text: str
    sent_at: datetime | None
    status: str
    state: str
    error: str | None


def find_patient(connection: Connection, known_as: str) -> int:
    """
    The patient with this NHS number (spaces allowed) or this id of the practice.

    Raises:
        NotFound: there is none
    """
    number = "".join(known_as.split())
    for column in (patient.c.nhs_number, patient.c.local_id):
        query = sa.select(patient.c.id).where(column == number)
        if (found := connection.execute(query).scalar_one_or_none()) is not None:
            return int(found)
    raise NotFound(
        "patient-unknown",
        "no patient of this record has this NHS number or id; check it for a slip",
    )


def outreach_card(record: Record, patient_id: int) -> list[Sent]:
    """Every message to the patient, newest first (ARC-16)."""
    return sorted(
        list_sent(record, Filter(patient_id=patient_id)), key=lambda sent: sent.id, reverse=True
    )


def count_sent(record: Record, wanted: Filter) -> int:
    """How many messages that is."""
    with record.read() as connection:
        counted = sa.select(sa.func.count()).select_from(_messages(wanted).subquery())
        return int(connection.scalar(counted) or 0)


def list_sent(record: Record, wanted: Filter = Filter()) -> Iterator[Sent]:
    """The messages that the filter describes, in the order of their ids, a page in memory at a time."""
    query = _messages(wanted).order_by(message.c.id).limit(PAGE)
    last = 0
    while True:
        with record.read() as connection:
            page = list(connection.execute(query.where(message.c.id > last)))
        for *told, state, error_text, reason, gateway in page:
            yield _sent(told, state, error_text, reason, gateway)
        if len(page) < PAGE:
            return
        last = page[-1].id


def page_of_sent(
    record: Record, wanted: Filter, *, before: int | None = None, limit: int
) -> list[Sent]:
    """The newest of them; `before`: only those older than this message."""
    query = _messages(wanted).order_by(message.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(message.c.id < before)
    with record.read() as connection:
        rows = list(connection.execute(query))
    return [
        _sent(told, state, error_text, reason, gateway)
        for *told, state, error_text, reason, gateway in rows
    ]


def _sent(
    told: list[Any], state: str, error_text: str | None, reason: str | None, gateway: str
) -> Sent:
    """A row of `_messages`: what is shown as it is comes first."""
    kept = gateway == states.OUTBOX and state in states.LEFT
    error = error_text or (message_says(reason) if reason else None) or None
    return Sent._make([*told, KEPT if kept else WORDS[state], state, error])


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that is not sent yet. `not_before`: its own day; None: with its campaign."""

    id: int
    campaign_id: int
    channel: str
    address: str
    text: str
    campaign_state: str
    not_before: datetime | None


def list_waiting(record: Record, patient_id: int) -> list[Waiting]:
    """What is still to be sent to a patient, and when."""
    query = (
        sa.select(
            message.c.id, message.c.campaign_id, message.c.channel,
            shown(message.c.address, message.c.patient_id).label("address"),
            message.c.body.label("text"), campaign.c.state.label("campaign_state"),
            batch.c.not_before,
        )
        .join(campaign, campaign.c.id == message.c.campaign_id)
        .join(batch, batch.c.id == message.c.batch_id)
        .where(
            message.c.patient_id == patient_id,
            message.c.state == states.PENDING,
            ~campaign.c.dry_run,
            campaign.c.state.not_in(_NOT_WAITING),
        )
        .order_by(message.c.id)
    )  # fmt: skip
    with record.read() as connection:
        return [Waiting(**row._mapping) for row in connection.execute(query)]


def _messages(wanted: Filter) -> sa.Select[tuple[object, ...]]:
    told = [state for state, word in WORDS.items() if wanted.status in (None, word, KEPT)]
    query = (
        sa.select(
            message.c.id, message.c.campaign_id, campaign.c.list_name,
            template.c.key.label("template"), message.c.patient_id, patient.c.nhs_number,
            patient.c.local_id, message.c.channel,
            shown(message.c.address, message.c.patient_id).label("address"),
            message.c.body.label("text"),
            _AT.label("sent_at"), _STATE.label("state"), of_teller("error_text").label("error_text"),
            of_teller("reason").label("reason"),
            campaign.c.gateway,
        )
        .join(campaign, campaign.c.id == message.c.campaign_id)
        .join(template_version, template_version.c.id == campaign.c.template_version_id)
        .join(template, template.c.id == template_version.c.template_id)
        .outerjoin(patient, patient.c.id == message.c.patient_id)
        .where(_STATE.in_(told), ~campaign.c.dry_run)
    )  # fmt: skip
    if wanted.status is not None:
        kept = (campaign.c.gateway == states.OUTBOX) & _STATE.in_(states.LEFT)
        query = query.where(kept if wanted.status == KEPT else ~kept)
    if wanted.campaign_id is not None:
        query = query.where(messages_of(wanted.campaign_id))
    if wanted.patient_id is not None:
        query = query.where(message.c.patient_id == wanted.patient_id)
    if wanted.sent_from is not None:
        # Its campaign first: a week's report goes through the campaigns of that week, not through all messages
        query = query.where(
            _AT >= wanted.sent_from,
            message.c.id >= first_message_since(wanted.sent_from),
            sending_since(wanted.sent_from),
        )
    if wanted.sent_before is not None:
        query = query.where(_AT < wanted.sent_before, campaign.c.created_at < wanted.sent_before)
    return query
