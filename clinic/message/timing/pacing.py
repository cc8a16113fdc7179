"""
Pacing: how many messages may be sent now, and when more may (NEW-7).

A *lane* is a channel, a provider or a campaign, with limits in any second, hour and day. What was taken from it
stands in one row of the record, locked while somebody takes: whoever sends, in whatever process, takes
from the same lane, in the transaction that commits the intent.

    |--------- a window: an hour ---------|
    | b | b | b |  …  taken, by fiftieths  | b |   a fiftieth counts until all of it is an hour old,
                                               so that no hour, wherever it begins, has too many
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final, Protocol

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.record.schema.campaigns import pace_lane

SECOND: Final = 1_000_000
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR
_PARTS: Final = 50  # of a window: so little of the pace is lost to counting by parts

_READ: Final = (
    sa.select(pace_lane)
    .where(pace_lane.c.lane.in_(sa.bindparam("these_lanes", expanding=True)))
    .order_by(pace_lane.c.lane)
    .with_for_update(of=pace_lane)
)
_WRITE: Final = (
    sa.update(pace_lane)
    .where(pace_lane.c.lane == sa.bindparam("this_lane"))
    .values(taken=sa.bindparam("taken_by_now"))
)
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Window → [[part's number, messages taken in it], …]
Taken = dict[int, list[list[int]]]


class Limits(Protocol):
    """Most messages in any second, hour and day; None: no limit. clinic.settings.Pace is one."""

    @property
    def per_second(self) -> int | None: ...
    @property
    def per_hour(self) -> int | None: ...
    @property
    def per_day(self) -> int | None: ...


@dataclass(frozen=True)
class Lane:
    """A channel, a provider or a campaign. `limits`: most messages by window, in microseconds."""

    name: str
    limits: Mapping[int, int]


def lane_of(name: str, limits: Limits) -> Lane:
    """The lane of this name."""
    given = {SECOND: limits.per_second, HOUR: limits.per_hour, DAY: limits.per_day}
    return Lane(name, {window: most for window, most in given.items() if most is not None})


def lane_at(name: str, per_second: float) -> Lane:
    """The lane of this name for a rate, in whole messages; below 1: one in so long. 0: no limit."""
    if not per_second:
        return Lane(name, {})
    return Lane(name, {max(SECOND, ceil(SECOND / per_second)): max(1, int(per_second))})


@dataclass(frozen=True)
class Allowance:
    """
    How many messages may be sent now.

    more_at: when more may, if that is fewer than wanted and not for a limit's size alone
    idle: nothing of any limit is used up
    """

    count: int
    more_at: datetime | None
    idle: bool


class Turn:
    """Our turn at some lanes: they are locked until the transaction ends."""

    def __init__(self, connection: Connection, lanes: Sequence[Lane], now: datetime) -> None:
        """Lanes without limits cost nothing."""
        self._connection = connection
        # One order for everybody: two who wait for each other's lane would wait for ever
        self._lanes = sorted((lane for lane in lanes if lane.limits), key=lambda lane: lane.name)
        self.begin_at(now)
        self._taken = self._lock() if self._lanes else {}

    def begin_at(self, now: datetime) -> None:
        """Count from this instant: that at which the lanes were ours, if we waited for them."""
        self._now = (now - _START) // timedelta(microseconds=1)

    def allowance(self, wanted: int) -> Allowance:
        """How many of the messages `wanted` may be sent now."""
        count, more_at, idle = wanted, 0, True
        for lane in self._lanes:
            for window, most in lane.limits.items():
                used = self._used(lane, window)
                free = most - sum(taken for _, taken in used)
                idle = idle and not used
                if free < wanted and used:
                    more_at = max(more_at, _forgotten_at(used[0][0], window))
                count = min(count, max(0, free))
        at = _START + timedelta(microseconds=more_at) if more_at else None
        return Allowance(count, at, idle)

    def take(self, count: int) -> None:
        """Write down that `count` messages leave now."""
        for lane in self._lanes:
            taken = {window: self._used(lane, window) for window in lane.limits}
            for window, parts in taken.items():
                number = _part_of(self._now, window)
                if parts and parts[-1][0] >= number:  # a clock set back does not make room
                    parts[-1][1] += count
                else:
                    parts.append([number, count])
            self._write(lane, taken)

    def put_back(self, count: int, *, taken_at: datetime) -> None:
        """Write down that `count` of the messages taken then did not leave after all."""
        then = (taken_at - _START) // timedelta(microseconds=1)
        for lane in self._lanes:
            taken = {window: self._used(lane, window) for window in lane.limits}
            for window, parts in taken.items():
                for part in parts:
                    if part[0] == _part_of(then, window):
                        part[1] = max(0, part[1] - count)
            self._write(lane, taken)

    def _write(self, lane: Lane, taken: Taken) -> None:
        self._taken[lane.name] = taken
        said = orjson.dumps(taken, option=orjson.OPT_NON_STR_KEYS).decode()
        self._connection.execute(_WRITE, {"this_lane": lane.name, "taken_by_now": said})

    def _used(self, lane: Lane, window: int) -> list[list[int]]:
        """What still counts, oldest first."""
        parts = self._taken[lane.name].get(window, [])
        return [part for part in parts if _forgotten_at(part[0], window) > self._now]

    def _lock(self) -> dict[str, Taken]:
        names = [lane.name for lane in self._lanes]
        rows = self._connection.execute(_READ, {"these_lanes": names}).all()
        if len(rows) < len(names):
            insert: Any = (
                sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
            )(pace_lane)
            self._connection.execute(
                insert.values([{"lane": name, "taken": "{}"} for name in names])
                .on_conflict_do_nothing()
            )  # fmt: skip
            rows = self._connection.execute(_READ, {"these_lanes": names}).all()
        return {
            row.lane: {int(window): parts for window, parts in orjson.loads(row.taken).items()}
            for row in rows
        }


def _part_of(at: int, window: int) -> int:
    return at // (window // _PARTS)


def _forgotten_at(part: int, window: int) -> int:
    """When a part no longer counts: its last instant is a whole window ago."""
    return (part + 1) * (window // _PARTS) + window
