"""Who looked at whom, after 8 years: the looks and their patients. Of what is held they stay."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.held import held, held_campaigns, held_lists
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.change import operation_item
from clinic.record.schema.govern import access_log, access_patient
from clinic.record.schema.messages import recipient
from clinic.retention.age import years_before
from clinic.retention.due import Due
from clinic.retention.opened import Opened
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
    gone = 0
    while True:
        with record.write() as connection:
            ids = due(connection, opened.at, settings)[:BLOCK]
            if not ids:
                return gone
            connection.execute(sa.delete(access_patient).where(is_any_of(_p.access_id, ids)))
            connection.execute(sa.delete(access_log).where(is_any_of(_l.id, ids)))
            of = ("approval", opened.decision.approval_id)
            opened.leave_stub(connection, WHAT, of, len(ids), digest_of_keys(ids))
        gone += len(ids)


def _is_held() -> sa.ColumnElement[bool]:
    patients = held("patient")
    campaigns = held_campaigns().union(
        sa.select(recipient.c.campaign_id).where(recipient.c.patient_id.in_(patients))
    )
    operations = sa.select(operation_item.c.operation_id).where(
        operation_item.c.patient_id.in_(patients)
    )
    about = {
        "patient": patients,
        "campaign": campaigns,
        "list": held_lists(),
        "operation": operations,
    }
    whole = ((_l.subject == subject) & _l.subject_id.in_(keys) for subject, keys in about.items())
    of_one = sa.exists().where(_p.access_id == _l.id, _p.patient_id.in_(patients))
    return sa.or_(of_one, *whole)
