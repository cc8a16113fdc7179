"""
Reports that go out by MESH: asked for once, sent once, and followed until the practice has taken them.

    waiting ─► sending ─► sent ─► acknowledged
       ▲          │
       └──────────┴─► unknown ─► sent

A report is asked for by a person, or by itself when its campaign is over. It is noted as `sending` before its
first byte leaves, and with MESH's id before a row of it leaves. Who was killed before that leaves nothing that
can arrive: it waits again. With an id it is not known whether it arrived, and is handed over again under the
same id, which delivers it once.

A process may stand still at any instant, longer than its lease. So each step is noted only where the report is
still as this process knows it, and one id of MESH's stands: who comes second ends nothing, and notes nothing.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.outside_record.mesh.content import report_of
from clinic.outside_record.mesh.post import NotSent, Post, PostRefused, Unsure
from clinic.outside_record.side import Lease
from clinic.record.database import Record
from clinic.record.schema.systems.mesh import mesh_report

SIDE: Final = "mesh"
_LONGEST_SEND: Final = timedelta(minutes=10)
_OPEN: Final = ("waiting", "unknown")
_BEGUN: Final = ("sending", *_OPEN)  # whoever came after us may have given it back


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


def send_reports(
    record: Record, clock: Clock, post: Post, *, owner: str, show: Callable[[datetime | None], str]
) -> int:
    """Send what waits, end what was begun, and ask what the practice has taken; how many were sent."""
    lease = Lease(record, clock, SIDE, owner, longest=_LONGEST_SEND)
    if not lease.take():
        return 0
    try:
        for row in _in(record, "sending"):  # of one that was killed: nobody else has the lease
            state = "unknown" if row.message_id else "waiting"
            _note(record, row.id, row.message_id, ("sending",), state=state)
        sent = 0
        for row in (*_in(record, "unknown"), *_in(record, "waiting")):
            if not lease.take():
                return sent
            state = _send(record, clock, post, row, show)
            sent += state == "sent"
            if state in ("unknown", "waiting"):
                return sent  # MESH is away: the others wait too
        for row in _in(record, "sent"):
            if not lease.take():
                return sent
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
) -> str:
    """Hand it over, or what is left of it; the state that it has then. "": another process came before us."""
    with record.read() as connection:
        data, count = report_of(connection, row.campaign_id, show)
    digest = hashlib.sha256(data).hexdigest()
    head, newline, rest = data.partition(b"\r\n")
    message_id = row.message_id
    note = functools.partial(_note, record, row.id)
    if not note(message_id, _OPEN, state="sending"):
        return ""
    # Of one that was begun before, which of two files it is may not be known
    known = digest if row.sha256 in (None, digest) else None
    try:
        if message_id is None:
            message_id = post.begin(row.local_id, f"{row.local_id}.csv", head)
            if not note(None, _BEGUN, state="sending", message_id=message_id):
                return ""  # another's is on its way, and of this one MESH has headings alone
        if not note(message_id, _BEGUN, rows=count, sha256=known):
            return ""
        if post.finish(message_id, newline + rest):
            known = digest
    except (NotSent, Unsure) as problem:
        state = "unknown" if message_id else "waiting"
        code = "mesh-unreachable" if isinstance(problem, NotSent) else "mesh-no-answer"
        noted = note(message_id, _BEGUN, state=state, problem=code)
    except PostRefused as refused:
        state = "refused"
        noted = note(message_id, _BEGUN, state=state, problem=f"mesh-{refused.code}")
    else:
        state = "sent"
        noted = note(
            message_id, _BEGUN, state=state, sent_at=clock.now(), sha256=known, problem=None
        )
    return state if noted else ""


def _follow(record: Record, clock: Clock, post: Post, row: Any) -> None:
    try:
        status = post.status(row.message_id)
    except Unsure:
        return
    note = functools.partial(_note, record, row.id, row.message_id, ("sent",))
    if status == "acknowledged":
        note(state="acknowledged", acknowledged_at=clock.now())
    elif status in ("undeliverable", "error"):
        note(state="refused", problem=f"mesh-{status}")


def _note(
    record: Record, key: int, known_as: str | None, of: Sequence[str], **values: object
) -> bool:
    """Note it of a report that has this id of MESH's and one of these states; whether it was so."""
    r = mesh_report.c
    known = r.message_id.is_(None) if known_as is None else r.message_id == known_as
    with record.write() as connection:
        noted = connection.execute(
            sa.update(mesh_report).where(r.id == key, known, r.state.in_(of)).values(**values)
        )
        return bool(noted.rowcount)


def _in(record: Record, state: str) -> list[Any]:
    r = mesh_report.c
    with record.read() as connection:
        query = sa.select(r.id, r.campaign_id, r.local_id, r.message_id, r.sha256).where(
            r.state == state
        )
        return list(connection.execute(query.order_by(r.id)))
