"""
A correction (NEW-33): to exactly those who got a campaign, by the same way and to the same address as then.

    accepted, delivered             they have it
    unknown                         they may have it: a correction too many explains itself, one too few harms
    told together                   they have what the message to their number has
    undelivered, rejected, expired, cancelled, left out …      they have it not, and get no correction

It is a campaign of its own over a list of these patients: checked, judged, approved and counted like any other.
Who is deceased, left or opted out since gets none, and is counted: somebody tells them another way. What failed
of it is sent by asking again; whom a correction reached is not corrected twice (corrected_by.py). Its list
names what it corrects, so that the link is sealed with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.rows import CORRECTION
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.chain import hold
from clinic.message import states
from clinic.message.purposes import STAFF_LIST
from clinic.message.safety.corrected_by import (
    family_of,
    first_of,
    require_none_begun,
    who_had_one,
)
from clinic.message.safety.corrected_list import Reached, write_list
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.safe_numbers import shown
from clinic.record.schema.govern import operator
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import batch, campaign, message, submission
from clinic.record.schema.people import patient
from clinic.record.told import is_told, of_teller
from clinic.values.purposes import listed

GOT: Final = (states.ACCEPTED, states.DELIVERED, states.UNKNOWN)
_WAITS: Final = (states.PENDING, *GOT)  # of a correction: nobody else corrects that
_STATE: Final = of_teller("state")
_OVER: Final = (
    states.COMPLETED, states.CANCELLED_CAMPAIGN, states.RECONCILING, states.REFUSED,
)  # fmt: skip


@dataclass(frozen=True)
class Corrected:
    """
    What is corrected. got: delivered, sent or unknown, and how many each; not_got: all else that was tried

    corrected: how many of those who got it have a correction already, or are about to
    purpose: what the campaign was for, and so is its correction in one's own words
    """

    id: int
    channel: str
    purpose: str
    outbox: bool
    got: dict[str, int]
    not_got: int
    corrected: int


class _Own(NamedTuple):
    """Of the campaign that is corrected; source: of its list."""

    state: str
    channel: str
    purpose: str
    gateway: str
    dry_run: bool
    source: str


def look_at(connection: Connection, campaign_id: int) -> Corrected:
    """
    How many got a campaign, and how many of them are corrected.

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it is still being sent, or nobody can have got it
    """
    own = _require_over(connection, campaign_id)
    rows = _got(connection, campaign_id)
    if not rows:
        raise NotAllowed(
            "correct-nothing",
            f"nobody got campaign {campaign_id}: there is nothing to correct; "
            f"see: cohort show {campaign_id}",
        )
    counts = {state: sum(row.state == state for row in rows) for state in GOT}
    tried = sa.select(sa.func.count()).where(
        message.c.campaign_id == campaign_id, of_teller("state").not_in(GOT)
    )
    due = _due(connection, campaign_id, rows)
    return Corrected(
        campaign_id,
        own.channel,
        listed(own.purpose),
        own.gateway == states.OUTBOX,
        {state: count for state, count in counts.items() if count},
        int(connection.scalar(tried) or 0),
        len(rows) - len(due),
    )


def take_in_corrected(
    record: Record, clock: Clock, campaign_id: int, *, request_key: str, name: str, channel: str,
    gateway: str, dry_run: bool, taken_by: str,
) -> int:  # fmt: skip
    """
    The list of those who got a campaign and were not corrected; its id. The same key again gives the same.

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it is still being sent, another correction of it is being prepared, nobody is left to
            correct, or it went another way
    """
    with record.write() as connection:
        hold(connection, f"correct {first_of(connection, campaign_id)}")
        known = connection.scalar(
            sa.select(cohort_list.c.id).where(cohort_list.c.request_key == request_key)
        )
        if known is not None:
            return int(known)
        seen = look_at(connection, campaign_id)
        _require_same_way(seen, channel, outbox=gateway == states.OUTBOX, dry_run=dry_run)
        if not dry_run:
            require_none_begun(connection, campaign_id, clock.now())
        rows = _due(connection, campaign_id, _got(connection, campaign_id))
        if not rows:
            raise NotAllowed(
                "correct-nothing",
                f"everybody who got campaign {campaign_id} has a correction, or is about to; "
                f"see: cohort show {campaign_id}",
            )
        return write_list(
            connection, campaign_id, rows, channel=channel, request_key=request_key, name=name,
            taken_at=clock.now(), taken_by=taken_by,
        )  # fmt: skip


def corrects(connection: Connection, campaign_id: int) -> int | None:
    """The campaign that this one corrects; None: it is no correction."""
    found = connection.scalar(
        sa.select(cohort_list.c.criteria)
        .join(campaign, campaign.c.list_id == cohort_list.c.id)
        .where(campaign.c.id == campaign_id, cohort_list.c.source == CORRECTION)
    )
    return None if found is None else int(orjson.loads(found)["corrects"])


def is_correction(campaign_id: int) -> sa.Exists:
    """In a statement: whether a campaign corrects another."""
    return (
        sa.select(campaign.c.id)
        .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
        .where(campaign.c.id == campaign_id, cohort_list.c.source == CORRECTION)
        .exists()
    )


def needs_approval(connection: Connection, campaign_id: int, requested_by: str) -> bool:
    """Whether a second approver decides: of every correction, where anybody else may."""
    another = sa.select(operator.c.name).where(
        operator.c.active, operator.c.role == "manager", operator.c.name != requested_by
    )
    is_one = connection.scalar(sa.select(is_correction(campaign_id)))
    return bool(is_one) and connection.scalar(another.limit(1)) is not None


def _require_over(connection: Connection, campaign_id: int) -> _Own:
    found = connection.execute(
        sa.select(
            campaign.c.state, campaign.c.channel, campaign.c.purpose, campaign.c.gateway,
            campaign.c.dry_run, cohort_list.c.source,
        )
        .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
        .where(campaign.c.id == campaign_id)
    ).one_or_none()  # fmt: skip
    row = None if found is None else _Own._make(found)
    if row is None:
        raise NotFound(
            "campaign-unknown", f"there is no campaign {campaign_id}; see: cohort campaigns"
        )
    if row.dry_run or row.source == STAFF_LIST or row.state == states.REFUSED:
        raise NotAllowed(
            "correct-nothing",
            f"no patient got campaign {campaign_id}: there is nothing to correct; "
            f"see: cohort show {campaign_id}",
        )
    _require_ended(connection, family_of(connection, campaign_id))
    return row


def _require_ended(connection: Connection, family: list[int]) -> None:
    """Nothing more of a campaign, or of those that send its failures again, is sent or on its way."""
    under_way = (
        sa.select(submission.c.id)
        .join(batch, batch.c.id == submission.c.batch_id)
        .where(batch.c.campaign_id == campaign.c.id, submission.c.state == states.INTENT)
    )
    rows = connection.execute(
        sa.select(campaign.c.id, campaign.c.state, under_way.exists()).where(
            is_any_of(campaign.c.id, family)
        )
    )
    for key, state, is_under_way in rows:
        if state not in _OVER:
            raise NotAllowed(
                "correct-first-stop",
                f"campaign {key} is {state}: more patients would get the wrong text. End it first: "
                f"cohort cancel {key}",
            )
        if is_under_way:
            raise NotAllowed(
                "correct-first-stop",
                f"messages of campaign {key} are being sent at this moment. Ask again once it is known what "
                f"became of them, in a few minutes; see: cohort show {key}",
            )


def _require_same_way(seen: Corrected, channel: str, *, outbox: bool, dry_run: bool) -> None:
    if channel != seen.channel or (outbox != seen.outbox and not dry_run):
        way = f"{seen.channel}{', in the outbox' if seen.outbox else ''}"
        raise NotAllowed(
            "correct-another-way",
            f"campaign {seen.id} went by {way}: a correction goes the same way, to the same addresses",
        )


def _got(connection: Connection, campaign_id: int) -> list[Reached]:
    """Everybody once, by the latest message that they got by its channel."""
    own = sa.select(campaign.c.channel).where(campaign.c.id == campaign_id)
    rows = connection.execute(
        sa.select(
            message.c.row_number, message.c.patient_id, message.c.address,
            shown(message.c.address, message.c.patient_id), patient.c.nhs_number, _STATE,
            message.c.campaign_id, sa.case((is_told(), message.c.told_by), else_=message.c.id),
        )
        .outerjoin(patient, patient.c.id == message.c.patient_id)
        .where(
            message.c.campaign_id.in_(family_of(connection, campaign_id)), _STATE.in_(GOT),
            # Whom it reached by another channel is corrected by that, with the campaign that did
            message.c.channel == own.scalar_subquery(),
        )
        .order_by(message.c.id)
    )  # fmt: skip
    latest = {row.patient_id: Reached(*row) for row in rows}
    return sorted(latest.values())


def _due(connection: Connection, campaign_id: int, rows: list[Reached]) -> list[Reached]:
    """Those whom no correction reached, or is about to, since they got it: theirs, or one to their number."""
    had = who_had_one(connection, campaign_id, _WAITS)
    patients, messages = set(), set()
    for row in rows:
        for one in had.get(row.patient_id, ()):
            if one.campaign_id > row.campaign_id:
                patients.add(row.patient_id)
                if one.address == row.address:
                    messages.add(row.told)
    return [row for row in rows if row.patient_id not in patients and row.told not in messages]
