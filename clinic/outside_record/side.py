"""
The other side: whether it may be asked now, and by whom.

One process at a time talks to it, under a lease that is longer than its answer may take. Who was killed leaves
the lease to run out: what it had asked for is then carried out or not, and cannot meet the next question. For
the same reason nobody asks again at once after no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.record.database import Record
from clinic.record.schema.systems.outside_record import outside_side

_LONGEST_WAIT: Final = timedelta(hours=1)
_FIRST_WAIT: Final = timedelta(seconds=15)


@dataclass(frozen=True)
class Side:
    """How the other side stands. trouble: why it takes nothing, in a sentence; empty: it does."""

    tries: int
    not_before: datetime | None
    trouble: str
    since: datetime | None


class Lease:
    """The right to talk to one side, taken and renewed; `release` gives it back."""

    def __init__(
        self, record: Record, clock: Clock, name: str, owner: str, *, longest: timedelta
    ) -> None:
        """longest: more than the longest that one request may take."""
        self._record, self._clock, self._name, self._owner = record, clock, name, owner
        self._longest = longest
        self.is_unclean = (
            False  # the one before us may have asked for something of which nobody knows
        )

    def take(self) -> bool:
        """Take it, or go on with it; False: another process talks to this side, or it may not be asked yet."""
        now = self._clock.now()
        side = outside_side.c
        free = side.lease_until.is_(None) | (side.lease_until <= now) | (side.owner == self._owner)
        waits = side.not_before.is_(None) | (side.not_before <= now)
        with self._record.write() as connection:
            known = sa.select(side.owner, side.tries).where(side.name == self._name)
            before = connection.execute(known).one_or_none()
            if before is None:
                connection.execute(sa.insert(outside_side).values(name=self._name))
            elif before.owner != self._owner and (before.owner or before.tries):
                self.is_unclean = True
            taken = connection.execute(
                sa.update(outside_side)
                .where(side.name == self._name, free, waits)
                .values(owner=self._owner, lease_until=now + self._longest)
            )
            return bool(taken.rowcount)

    def release(self) -> None:
        """Give it back, if it is ours."""
        self._set(owner=None, lease_until=None)

    def went_well(self) -> None:
        """It answered: it may be asked again, and has no trouble."""
        self._set(tries=0, not_before=None, trouble=None, trouble_since=None)

    def trouble(self, says: str, *, wait: float | None = None, at_least: float = 0.0) -> None:
        """
        It takes nothing for now.

        Args:
            says: why, without a patient's data
            wait: seconds that the other side asked for; None: our own back-off
            at_least: seconds within which what was asked may still be carried out
        """
        now, side = self._clock.now(), outside_side.c
        with self._record.write() as connection:
            own = side.name == self._name
            found = connection.execute(sa.select(outside_side).where(own)).one()
            backing_off = min(_FIRST_WAIT * 2 ** min(found.tries, 10), _LONGEST_WAIT)
            given = timedelta(seconds=wait) if wait is not None else backing_off
            connection.execute(
                sa.update(outside_side).where(own).values(
                    tries=found.tries + 1, not_before=now + max(given, timedelta(seconds=at_least)),
                    trouble=says[:200], trouble_since=found.trouble_since or now,
                )
            )  # fmt: skip

    def _set(self, **values: object) -> None:
        side = outside_side.c
        with self._record.write() as connection:
            connection.execute(
                sa.update(outside_side)
                .where(side.name == self._name, side.owner == self._owner)
                .values(**values)
            )


def side_now(record: Record, name: str) -> Side:
    """How a side stands."""
    with record.read() as connection:
        row = connection.execute(
            sa.select(outside_side).where(outside_side.c.name == name)
        ).one_or_none()
    if row is None:
        return Side(0, None, "", None)
    return Side(row.tries, row.not_before, row.trouble or "", row.trouble_since)


def ask_at_once(record: Record, name: str) -> None:
    """A person wants it to be asked now, whatever the back-off says."""
    with record.write() as connection:
        connection.execute(
            sa.update(outside_side).where(outside_side.c.name == name).values(not_before=None)
        )
