"""
The cells of lists, and the addresses taken from them: gone 90 days after the end, 7 where nothing was sent.

A row stays as a number: every count and every outcome is there afterwards, and so is what the record says of
the patient. Of the list its head stays, with the SHA-256 of the file. Rows of a patient under hold keep their
cells, and the list is looked at again when the hold is lifted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.held import held, held_lists
from clinic.message import states
from clinic.message.campaign.campaign import refuse
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import campaign, recipient
from clinic.record.schema.people import patient
from clinic.retention.due import Due
from clinic.retention.stubs import Stub, leave_stub
from clinic.settings.operations import Retention

WHAT: Final = "lists"
BLOCK: Final = 10_000
_EMPTY: Final = "[]"


class _Found(NamedTuple):
    """A list with cells, and what was made of it."""

    id: int
    sha256: str
    rows: int
    taken_at: datetime
    open: int
    checking: int
    ended_at: datetime | None  # of what was sent of it, the last
    refused_at: datetime | None  # of what was refused or never confirmed, the last


@dataclass(frozen=True)
class DueList:
    """A list whose cells go. since: when they might first have gone."""

    id: int
    sha256: str
    rows: int
    since: datetime
    authority: str


def due_lists(connection: Connection, now: datetime, settings: Retention) -> list[DueList]:
    """Those whose time has come and that nobody holds, oldest first."""
    return [one for one, is_held in _all_due(connection, now, settings) if not is_held]


def plan_lists(connection: Connection, now: datetime, settings: Retention) -> Due:
    """How many, with how many rows."""
    found = _all_due(connection, now, settings)
    due = [one for one, is_held in found if not is_held]
    return Due(
        WHAT, len(due), sum(one.rows for one in due), min((one.since for one in due), default=None),
        sum(is_held for _, is_held in found), "clock",
        f"retention.list_rows_days {settings.list_rows_days:g}, unused_list_days {settings.unused_list_days:g}",
    )  # fmt: skip


def empty_list(record: Record, clock: Clock, due: DueList, *, block: int = BLOCK) -> int:
    """
    Empty the cells of a list and the addresses of its campaigns, a block a transaction; how many rows.

    Killed in between, the next night goes on: the list is due until the last block is through.
    """
    _refuse_unconfirmed(record, due.id)
    gone = 0
    with record.read() as connection:
        last = int(
            connection.scalar(
                sa.select(sa.func.max(list_row.c.row_number)).where(list_row.c.list_id == due.id)
            )
            or 0
        )
        kept = _of_held(connection)
    for first in range(0, last + 1, block):
        with record.write() as connection:
            gone += _empty_block(connection, due.id, first, first + block - 1, kept)
    with record.write() as connection:
        left = sa.select(sa.func.count()).where(list_row.c.list_id == due.id, _has_something())
        whole = not connection.scalar(left)
        if whole:
            connection.execute(
                sa.update(cohort_list)
                .where(cohort_list.c.id == due.id)
                .values(rows_gone_at=clock.now())
            )
        if gone or whole:
            count = due.rows if whole else gone
            stub = Stub(WHAT, "list", due.id, count, due.sha256, due.authority, clock.now())
            leave_stub(connection, stub)
    return gone


def _refuse_unconfirmed(record: Record, list_id: int) -> None:
    """A review that nobody confirmed in all that time: without its cells it cannot be."""
    query = sa.select(campaign.c.id).where(
        campaign.c.list_id == list_id, campaign.c.state == states.CHECKING
    )
    with record.read() as connection:
        found = list(connection.scalars(query))
    for number in found:
        refuse(record, number, "not-confirmed")


def _empty_block(
    connection: Connection, list_id: int, first: int, last: int, kept: sa.ColumnElement[bool]
) -> int:
    own = (list_row.c.list_id == list_id, list_row.c.row_number.between(first, last))
    gone = connection.execute(
        sa.update(list_row)
        .where(*own, _has_something(), ~kept)
        .values(cells=_EMPTY, patient_id=None),
        execution_options={"preserve_rowcount": True},
    ).rowcount
    connection.execute(
        sa.update(recipient)
        .where(
            recipient.c.campaign_id.in_(
                sa.select(campaign.c.id).where(campaign.c.list_id == list_id)
            ),
            recipient.c.row_number.between(first, last),
            recipient.c.address.is_not(None),
            sa.func.coalesce(recipient.c.patient_id, 0).not_in(held("patient")),
        )
        .values(address=None)
    )
    return int(gone)


def _has_something() -> sa.ColumnElement[bool]:
    return (list_row.c.cells != _EMPTY) | list_row.c.patient_id.is_not(None)


def _of_held(connection: Connection) -> sa.ColumnElement[bool]:
    """Whether a row is of a held patient: as it was matched, or else by a number in its cells."""
    ids = sa.select(patient.c.nhs_number, patient.c.local_id).where(
        patient.c.id.in_(held("patient"))
    )
    numbers = {number for row in connection.execute(ids) for number in row if number}
    spaced = {f"{n[:3]} {n[3:6]} {n[6:]}" for n in numbers if len(n) == 10 and n.isdigit()}
    matched = (
        sa.exists()
        .where(
            recipient.c.row_number == list_row.c.row_number,
            recipient.c.patient_id.in_(held("patient")),
            recipient.c.campaign_id == campaign.c.id,
            campaign.c.list_id == list_row.c.list_id,
        )
        .correlate(list_row)
    )
    named = [list_row.c.cells.contains(f'"{n}"', autoescape=True) for n in sorted(numbers | spaced)]
    return sa.or_(sa.func.coalesce(list_row.c.patient_id, 0).in_(held("patient")), matched, *named)


def _all_due(
    connection: Connection, now: datetime, settings: Retention
) -> list[tuple[DueList, bool]]:
    is_held = set(connection.scalars(held_lists()))
    found = []
    for row in connection.execute(_query()):
        due = _judge(_Found._make(row), now, settings)
        if due is not None:
            found.append((due, due.id in is_held))
    return sorted(found, key=lambda pair: pair[0].since)


def _judge(one: _Found, now: datetime, settings: Retention) -> DueList | None:
    if one.open:
        return None
    if one.ended_at is not None:
        name, days = "list_rows_days", settings.list_rows_days
        last = max(filter(None, (one.ended_at, one.refused_at)))
    else:
        name, days = "unused_list_days", settings.unused_list_days
        last = one.refused_at or one.taken_at
    since = last + timedelta(days=days)
    if now <= since:
        return None
    return DueList(one.id, one.sha256, one.rows, since, f"retention.{name} {days:g}")


def _query() -> sa.Select[Any]:
    """Each list that has cells, with the campaigns of it: those that go on, and when the others ended."""
    c = campaign.c
    at = sa.func.coalesce(c.finished_at, c.created_at)
    unused = c.state.in_([states.REFUSED, states.CHECKING])
    ended = c.state.in_(list(states.ENDED - {states.REFUSED}))
    return (
        sa.select(
            cohort_list.c.id,
            cohort_list.c.sha256,
            sa.func.coalesce(cohort_list.c.rows, 0),
            cohort_list.c.taken_at,
            sa.func.count(sa.case((~(ended | unused), c.id))),
            sa.func.count(sa.case((c.state == states.CHECKING, c.id))),
            sa.type_coerce(sa.func.max(sa.case((ended, at))), c.created_at.type),
            sa.type_coerce(sa.func.max(sa.case((unused, at))), c.created_at.type),
        )
        .select_from(cohort_list.outerjoin(campaign, c.list_id == cohort_list.c.id))
        .where(cohort_list.c.rows_gone_at.is_(None))
        .group_by(
            cohort_list.c.id, cohort_list.c.sha256, cohort_list.c.rows, cohort_list.c.taken_at
        )
    )
