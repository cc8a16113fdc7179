"""
A correction (NEW-33): to exactly those who got a campaign, by the same way and to the same address as then.

    accepted, delivered             they have it
    unknown                         they may have it: a correction too many explains itself, one too few harms
    undelivered, rejected, expired, cancelled, left out …      they have it not, and get no correction

It is a campaign of its own over a list of these patients: checked, judged, approved and counted like any other.
Who is deceased, left or opted out since gets none, and is counted: somebody tells them another way. What failed
of it is sent by asking again; whom a correction reached is not corrected twice. Its list names what it
corrects, so that the link is sealed with it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.list_trail import tell_taken
from clinic.cohort.rows import CORRECTION
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.chain import hold
from clinic.message import states
from clinic.message.purposes import STAFF_LIST
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import patient
from clinic.values.purposes import listed

GOT: Final = (states.ACCEPTED, states.DELIVERED, states.UNKNOWN)
_WAITS: Final = (states.PENDING, *GOT)  # of a correction: nobody else corrects that
_OVER: Final = (states.COMPLETED, states.CANCELLED_CAMPAIGN, states.RECONCILING)


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


class _Row(NamedTuple):
    """Somebody who got it. patient_id: below 0: minus the NHS number of who is not in the record."""

    row_number: int
    patient_id: int
    address: str
    nhs_number: str | None
    state: str


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
        message.c.campaign_id == campaign_id, message.c.state.not_in(GOT)
    )
    taken = _taken(connection, campaign_id)
    return Corrected(
        campaign_id,
        own.channel,
        listed(own.purpose),
        own.gateway == states.OUTBOX,
        {state: count for state, count in counts.items() if count},
        int(connection.scalar(tried) or 0),
        sum(row.patient_id in taken for row in rows),
    )


def take_in_corrected(
    record: Record, clock: Clock, campaign_id: int, *, request_key: str, name: str, channel: str,
    gateway: str, dry_run: bool, taken_by: str,
) -> int:  # fmt: skip
    """
    The list of those who got a campaign and were not corrected; its id. The same key again gives the same.

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it is still being sent, nobody is left to correct, or it went another way
    """
    with record.write() as connection:
        hold(connection, f"correct {campaign_id}")
        known = connection.scalar(
            sa.select(cohort_list.c.id).where(cohort_list.c.request_key == request_key)
        )
        if known is not None:
            return int(known)
        seen = look_at(connection, campaign_id)
        _require_same_way(seen, channel, outbox=gateway == states.OUTBOX, dry_run=dry_run)
        taken = _taken(connection, campaign_id)
        rows = [row for row in _got(connection, campaign_id) if row.patient_id not in taken]
        if not rows:
            raise NotAllowed(
                "correct-nothing",
                f"everybody who got campaign {campaign_id} has a correction, or is about to; "
                f"see: cohort show {campaign_id}",
            )
        return _write(
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


def corrections_of(connection: Connection, campaign_id: int) -> list[int]:
    """The campaigns that correct this one, in order; those that were refused reached nobody."""
    return list(connection.scalars(_corrections(campaign_id).order_by(campaign.c.id)))


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


def family_of(connection: Connection, campaign_id: int) -> list[int]:
    """The campaign and those that sent its failures again: who got it by them got it too."""
    found, new = [campaign_id], [campaign_id]
    while new:
        again = sa.select(campaign.c.id).where(campaign.c.resend_of.in_(new))
        new = [key for key in connection.scalars(again) if key not in found]
        found += new
    return found


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
    if row.state not in _OVER:
        raise NotAllowed(
            "correct-first-stop",
            f"campaign {campaign_id} is {row.state}: more patients would get the wrong text. End it first: "
            f"cohort cancel {campaign_id}",
        )
    return row


def _require_same_way(seen: Corrected, channel: str, *, outbox: bool, dry_run: bool) -> None:
    if channel != seen.channel or (outbox != seen.outbox and not dry_run):
        way = f"{seen.channel}{', in the outbox' if seen.outbox else ''}"
        raise NotAllowed(
            "correct-another-way",
            f"campaign {seen.id} went by {way}: a correction goes the same way, to the same addresses",
        )


def _got(connection: Connection, campaign_id: int) -> list[_Row]:
    """Everybody once, by the latest message that they got."""
    rows = connection.execute(
        sa.select(
            message.c.row_number, message.c.patient_id, message.c.address, patient.c.nhs_number,
            message.c.state,
        )
        .outerjoin(patient, patient.c.id == message.c.patient_id)
        .where(
            message.c.campaign_id.in_(family_of(connection, campaign_id)), message.c.state.in_(GOT)
        )
        .order_by(message.c.id)
    )  # fmt: skip
    latest = {row.patient_id: _Row(*row) for row in rows}
    return sorted(latest.values())


def _corrections(campaign_id: int) -> sa.Select[tuple[int]]:
    return (
        sa.select(campaign.c.id)
        .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
        .where(
            cohort_list.c.source == CORRECTION,
            cohort_list.c.criteria == _criteria(campaign_id),
            campaign.c.state != states.REFUSED,
            ~campaign.c.dry_run,
        )
    )


def _taken(connection: Connection, campaign_id: int) -> set[int]:
    """Who has a correction, may have one, or is about to: not those whose correction failed."""
    ids = connection.scalars(
        sa.select(message.c.patient_id).where(
            message.c.campaign_id.in_(_corrections(campaign_id)), message.c.state.in_(_WAITS)
        )
    )
    return set(ids)


def _criteria(campaign_id: int) -> str:
    return orjson.dumps({"corrects": campaign_id}).decode()


def _write(
    connection: Connection, campaign_id: int, rows: list[_Row], *, channel: str, **values: Any
) -> int:
    field, heading = ("email", "E-mail") if channel == "email" else ("mobile", "Mobile")
    whom = ",".join(str(row.patient_id) for row in rows)
    list_id = connection.execute(
        sa.insert(cohort_list)
        .values(
            source=CORRECTION,
            sha256=hashlib.sha256(f"correction of {campaign_id}: {whom}".encode()).hexdigest(),
            columns=orjson.dumps(["NHS Number", heading]).decode(),
            fields=orjson.dumps({"nhs_number": "NHS Number", field: heading}).decode(),
            criteria=_criteria(campaign_id),
            rows=len(rows),
            **values,
        )
        .returning(cohort_list.c.id)
    ).scalar_one()
    insert_rows(
        connection,
        list_row,
        ("list_id", "row_number", "patient_id", "cells"),
        (
            (
                list_id, row.row_number, row.patient_id if row.patient_id > 0 else None,
                orjson.dumps([_nhs_number(row), row.address]).decode(),
            )
            for row in rows
        ),
    )  # fmt: skip
    tell_taken(connection, int(list_id), values["taken_at"])
    return int(list_id)


def _nhs_number(row: _Row) -> str:
    return row.nhs_number or (f"{-row.patient_id:010}" if row.patient_id < 0 else "")
