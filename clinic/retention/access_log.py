"""Who looked at whom, after 8 years: the looks and their patients. Of what is held they stay."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.held import held, is_about_held
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.govern import access_log, access_patient
from clinic.retention.age import years_before
from clinic.retention.due import Due
from clinic.retention.opened import Opened, in_blocks
from clinic.retention.stubs import digest_of_keys
from clinic.settings.operations import Retention

WHAT: Final = "access-log"
BLOCK: Final = 5_000

_l, _p = access_log.c, access_patient.c


def plan(connection: Connection, now: datetime, settings: Retention) -> Due:
    """How many looks, and how many of them are held."""
    old = _l.at < before(now, settings)
    own, oldest = connection.execute(
        sa.select(sa.func.count(), sa.func.min(_l.at)).where(old, ~_is_held())
    ).one()
    is_held = connection.scalar(sa.select(sa.func.count()).where(old, _is_held()))
    since = oldest and years_before(oldest, -settings.trail_years)
    authority = f"retention.trail_years {settings.trail_years}"
    return Due(WHAT, own, own, since, int(is_held or 0), "decision", authority)


def due(connection: Connection, now: datetime, settings: Retention) -> list[int]:
    """Ids, in their order."""
    query = sa.select(_l.id).where(_l.at < before(now, settings), ~_is_held())
    return list(connection.scalars(query.order_by(_l.id)))


def before(now: datetime, settings: Retention) -> datetime:
    """What was looked at later stays."""
    return years_before(now, settings.trail_years)


def remove(record: Record, clock: Clock, settings: Retention, opened: Opened) -> int:
    """Delete the looks that are due, and whose they were; how many."""
    del clock

    def take(connection: Connection, ids: list[int]) -> None:
        connection.execute(sa.delete(access_patient).where(is_any_of(_p.access_id, ids)))
        connection.execute(sa.delete(access_log).where(is_any_of(_l.id, ids)))
        of = ("approval", opened.decision.approval_id)
        opened.leave_stub(connection, WHAT, of, len(ids), digest_of_keys(ids))

    return in_blocks(record, lambda some: due(some, opened.at, settings)[:BLOCK], take)


def _is_held() -> sa.ColumnElement[bool]:
    of_one = sa.exists().where(_p.access_id == _l.id, _p.patient_id.in_(held("patient")))
    return of_one | is_about_held(_l.subject, _l.subject_id)
