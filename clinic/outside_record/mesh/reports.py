"""
Reports that go out by MESH: asked for once, sent once, and followed until the practice has taken them.

    waiting ─► sending ─► sent ─► acknowledged
                  │
                  └─► unknown ─► sent, where MESH knows our id of it; else waiting again

A report is noted as `sending` before its first byte leaves. Who was killed there leaves it, and the next one
asks MESH by our own id whether it has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.message.campaign.campaign import get_campaign
from clinic.outside_record.mesh.content import report_of
from clinic.outside_record.mesh.post import NotSent, Post, PostRefused, Unsure
from clinic.outside_record.side import Lease
from clinic.record.database import Record
from clinic.record.schema.messages import batch
from clinic.record.schema.systems.mesh import mesh_report

SIDE: Final = "mesh"
_LONGEST_SEND: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class ReportLine:
    """A report as people see it."""

    campaign_id: int
    number: int
    state: str
    rows: int | None
    sent_at: datetime | None
    acknowledged_at: datetime | None
    problem: str | None


def ask_for_report(
    record: Record, clock: Clock, campaign_id: int, *, install_id: str, by: str, again: bool
) -> int:
    """
    Ask for the report of a campaign to be sent; its number among the campaign's reports.

    Raises:
        NotFound: there is no such campaign
        NotAllowed: nothing of it is on a record yet, or its report went out already and `again` was not said
    """
    r = mesh_report.c
    with record.write() as connection:
        own = get_campaign(connection, campaign_id)
        unsaved = sa.select(batch.c.id).where(batch.c.campaign_id == campaign_id, ~batch.c.saved)
        if own.dry_run or not own.save_to_record or connection.scalar(unsaved.limit(1)) is not None:
            raise NotAllowed(
                "report-not-ready",
                f"campaign {campaign_id} is not on the record to its end: a report is sent when it is",
            )
        last = connection.execute(
            sa.select(r.number, r.state)
            .where(r.campaign_id == campaign_id)
            .order_by(r.number.desc())
            .limit(1)
        ).one_or_none()
        if last is not None and not (
            again and last.state in ("sent", "acknowledged", "refused", "unknown")
        ):
            raise NotAllowed(
                "report-there",
                f"the report of campaign {campaign_id} is {last.state}; see: cohort record status. Another "
                "one, which the practice gets beside the first: --again",
            )
        number = 1 if last is None else last.number + 1
        connection.execute(
            sa.insert(mesh_report).values(
                campaign_id=campaign_id, number=number, state="waiting", asked_by=by,
                local_id=f"{install_id[:8]}-{campaign_id}-{number}", asked_at=clock.now(),
            )
        )  # fmt: skip
        act = Act(
            operator=by, operation_type="report.asked", subject="campaign", subject_id=campaign_id,
            new_values={"report": number},
        )  # fmt: skip
        record_act(connection, clock, act)
    return number


def send_reports(
    record: Record, clock: Clock, post: Post, *, owner: str, show: Callable[[datetime | None], str]
) -> int:
    """Send what waits, find out what is not known, and ask what the practice has taken; how many were sent."""
    lease = Lease(record, clock, SIDE, owner, longest=_LONGEST_SEND)
    if not lease.take():
        return 0
    try:
        for row in _in(record, "sending"):  # of one that was killed: nobody else has the lease
            _set(record, row.id, state="unknown")
        for row in _in(record, "unknown"):
            _resolve(record, clock, post, row)
        sent = 0
        for row in _in(record, "waiting"):
            if not lease.take():
                return sent
            sent += _send(record, clock, post, row, show)
        for row in _in(record, "sent"):
            _follow(record, clock, post, row)
        return sent
    finally:
        lease.release()


def list_reports(record: Record, *, limit: int = 50) -> list[ReportLine]:
    """The newest reports."""
    names = ("campaign_id", "number", "state", "rows", "sent_at", "acknowledged_at", "problem")
    query = sa.select(*(mesh_report.c[name] for name in names))
    with record.read() as connection:
        rows = connection.execute(query.order_by(mesh_report.c.id.desc()).limit(limit))
        return [ReportLine(*row) for row in rows]


def _send(
    record: Record, clock: Clock, post: Post, row: Any, show: Callable[[datetime | None], str]
) -> int:
    with record.read() as connection:
        data, count = report_of(connection, row.campaign_id, show)
    _set(record, row.id, state="sending", rows=count, sha256=hashlib.sha256(data).hexdigest())
    try:
        message_id = post.send(row.local_id, f"{row.local_id}.csv", data)
    except NotSent:
        _set(record, row.id, state="waiting", problem="mesh-unreachable")
    except Unsure:
        _set(record, row.id, state="unknown", problem="mesh-no-answer")
    except PostRefused as refused:
        _set(record, row.id, state="refused", problem=f"mesh-{refused.code}")
    else:
        values = {"message_id": message_id, "sent_at": clock.now(), "problem": None}
        _set(record, row.id, state="sent", **values)
        return 1
    return 0


def _resolve(record: Record, clock: Clock, post: Post, row: Any) -> None:
    try:
        message_id = post.find(row.local_id)
    except Unsure:
        return
    if message_id is None:
        _set(record, row.id, state="waiting")
    else:
        values = {"message_id": message_id, "sent_at": clock.now(), "problem": None}
        _set(record, row.id, state="sent", **values)


def _follow(record: Record, clock: Clock, post: Post, row: Any) -> None:
    try:
        status = post.status(row.message_id)
    except Unsure:
        return
    if status == "acknowledged":
        _set(record, row.id, state="acknowledged", acknowledged_at=clock.now())
    elif status in ("undeliverable", "error"):
        _set(record, row.id, state="refused", problem=f"mesh-{status}")


def _in(record: Record, state: str) -> list[Any]:
    r = mesh_report.c
    with record.read() as connection:
        query = sa.select(r.id, r.campaign_id, r.local_id, r.message_id).where(r.state == state)
        return list(connection.execute(query.order_by(r.id)))


def _set(record: Record, key: int, **values: object) -> None:
    with record.write() as connection:
        connection.execute(sa.update(mesh_report).where(mesh_report.c.id == key).values(**values))
