"""
When a campaign's messages were sent, delivered and refused, as a picture: an SVG that Prefect's pages show.

Counts and times of day alone. It is a part of the page itself (a `data:` address), so nothing is asked for
elsewhere and nothing is kept in a file.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.counting import messages_of
from clinic.record.schema.messages import message

WIDTH: Final = 720
HEIGHT: Final = 260
_LEFT, _TOP, _BOTTOM = 70, 40, 30
_MOST_POINTS: Final = 60
KEPT: Final = "kept in the outbox, not sent:"
_COLOURS: Final = {
    "sent": "#2563eb",
    "delivered": "#16a34a",
    "failed": "#dc2626",
    KEPT: "#6b7280",
}
_FAILED: Final = (states.UNDELIVERED, states.REJECTED)


@dataclass(frozen=True)
class OverTime:
    """How many had been sent, delivered and refused by which minute; each line rises to its total."""

    lines: Mapping[str, Sequence[tuple[datetime, int]]] = field(default_factory=dict)

    @property
    def times(self) -> list[datetime]:
        """Every minute in which something happened."""
        return sorted({at for points in self.lines.values() for at, _ in points})


def over_time(connection: Connection, campaign_id: int) -> OverTime:
    """
    Counted by minute, in one scan of the campaign's messages: it is drawn again whenever receipts came in.

    Of a trial that keeps its messages in the outbox one line says that; of a dry run there is none.
    """
    job, c = get_campaign(connection, campaign_id), message.c
    if job.dry_run:
        return OverTime()
    is_sqlite = connection.dialect.name == "sqlite"

    def minute(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        if is_sqlite:
            return sa.func.substr(sa.type_coerce(column, sa.Text), 1, 16)
        return sa.func.date_trunc("minute", column)

    counted = sa.select(
        c.state, minute(c.sent_at).label("sent"), minute(c.status_at).label("ended"),
        sa.func.count().label("messages"),
    ).where(messages_of(campaign_id), c.state != states.PENDING)  # fmt: skip
    rows = connection.execute(counted.group_by(sa.text("1, 2, 3"))).tuples().all()
    left = _summed((sent, n) for state, sent, _, n in rows if state in states.LEFT)
    if job.gateway == states.OUTBOX:
        return OverTime({KEPT: left} if left else {})
    lines = {
        "sent": left,
        "delivered": _summed((at, n) for state, _, at, n in rows if state == states.DELIVERED),
        "failed": _summed((at, n) for state, _, at, n in rows if state in _FAILED),
    }
    return OverTime({name: points for name, points in lines.items() if points})


def _summed(counts: Iterable[tuple[datetime | str | None, int]]) -> list[tuple[datetime, int]]:
    """Each minute with all that had happened by its end; what has no time is left out."""
    minutes: Counter[datetime | str] = Counter()
    for at, count in counts:
        if at is not None:
            minutes[at] += int(count)
    total, points = 0, []
    for moment, count in sorted((_as_time(at), count) for at, count in minutes.items()):
        total += count
        points.append((moment, total))
    return points


def _as_time(at: datetime | str) -> datetime:
    """SQLite keeps it as text, in UTC."""
    return (
        datetime.fromisoformat(at[:16]).replace(tzinfo=UTC)
        if isinstance(at, str)
        else at.astimezone(UTC)
    )


def as_markdown(seen: OverTime, zone: str) -> str:
    """The picture as a line of a page; nothing where nothing has happened yet."""
    if not seen.lines:
        return ""
    svg = base64.b64encode(draw(seen, ZoneInfo(zone)).encode()).decode()
    return f"![sent, delivered and failed over time](data:image/svg+xml;base64,{svg})"


def draw(seen: OverTime, zone: ZoneInfo) -> str:
    """The SVG: a rising line each, its total beside its name, times of day below."""
    times = seen.times
    first, last = times[0], times[-1]
    most = max(points[-1][1] for points in seen.lines.values())
    span = max((last - first).total_seconds(), 60.0)

    def x(at: datetime) -> float:
        return _LEFT + (WIDTH - _LEFT - 20) * (at - first).total_seconds() / span

    def y(count: int) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * count / most

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>',
        *(_rule(y(count), f"{count:,}") for count in sorted({0, most // 2, most})),
        *_hours(x, first, last, zone),
    ]
    for place, (name, points) in enumerate(seen.lines.items()):
        drawn = " ".join(f"{x(at):.0f},{y(count):.0f}" for at, count in _stairs(points, last))
        parts.append(
            f'<polyline points="{drawn}" fill="none" stroke="{_COLOURS[name]}" stroke-width="2.5"/>'
            f'<text x="{_LEFT + 170 * place}" y="22" fill="{_COLOURS[name]}" font-weight="bold">'
            f"{name} {points[-1][1]:,}</text>"
        )
    return "".join([*parts, "</svg>"])


def _stairs(points: Sequence[tuple[datetime, int]], last: datetime) -> list[tuple[datetime, int]]:
    """From nothing, at most so many points, and level to the end."""
    step = -(-len(points) // _MOST_POINTS)
    some = [*points[:-1][::step], points[-1]]
    return [(points[0][0], 0), *some, (last, points[-1][1])]


def _rule(y: float, label: str) -> str:
    return (
        f'<line x1="{_LEFT}" y1="{y:.0f}" x2="{WIDTH - 20}" y2="{y:.0f}" stroke="#e5e7eb"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" text-anchor="end" fill="#6b7280">{label}</text>'
    )


def _hours(x: Any, first: datetime, last: datetime, zone: ZoneInfo) -> list[str]:
    same_day = first.astimezone(zone).date() == last.astimezone(zone).date()
    how = "%H:%M" if same_day else "%-d %b %H:%M"
    ends = [(first, "start"), (last, "end")] if last > first else [(first, "start")]
    return [
        f'<text x="{x(at):.0f}" y="{HEIGHT - 10}" text-anchor="{anchor}" fill="#6b7280">'
        f"{at.astimezone(zone):{how}}</text>"
        for at, anchor in ends
    ]
