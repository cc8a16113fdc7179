"""What is not saved to the clinical record outside, or sent to the practice by MESH, as people are told it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.schema.systems.mesh import mesh_report
from clinic.record.schema.systems.outside_record import outside_item, outside_push, outside_side

_PASSES: Final = timedelta(hours=1)  # a clinical system is closed for a while every now and then
_TOLD_FOR: Final = timedelta(days=7)  # what the other side said no to; then it is listed only


def outside_behind(connection: Connection, now: datetime) -> tuple[str, ...]:
    """In words; nothing: all is saved, waits for less than an hour, or was told for a week."""
    side, item, push, report = outside_side.c, outside_item.c, outside_push.c, mesh_report.c
    since, later = now - _TOLD_FOR, mesh_report.alias("later")
    newest = ~sa.exists().where(
        later.c.campaign_id == report.campaign_id, later.c.number > report.number
    )
    no = report.state.in_(("refused", "unknown")) & newest
    silent = (side.trouble_since <= now - _PASSES) & side.trouble.is_not(None)
    row = connection.execute(
        sa.select(
            sa.select(sa.func.min(side.trouble)).where(silent).scalar_subquery().label("why"),
            _count(outside_item, (item.state == "refused") & (item.changed_at >= since)).label(
                "refused"
            ),
            _count(outside_push, (push.state == "differs") & (push.changed_at >= since)).label(
                "differ"
            ),
            _count(mesh_report, no).label("reports"),
        )
    ).one()
    told = (
        (row.why, f"the record outside takes nothing for over an hour: {row.why}"),
        (row.refused, f"{row.refused:,} refused by the record outside"),
        (row.differ, f"{row.differ:,} patients who are otherwise there than here"),
        (row.reports, f"{row.reports:,} reports that MESH did not take"),
    )
    return tuple(says for found, says in told if found)


def _count(table: sa.Table, which: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(table).where(which).scalar_subquery()
