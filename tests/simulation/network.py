"""The mobile networks behind the gateway: what they tell of a message late, twice, in any order, or never."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from clinic.gateway.received import Receipt, Said
from tests.simulation.hours import LONDON, is_closed_day
from tests.simulation.truth import REASONS

# What is told of one message. Each receipt finds its own way: any order of these arrives
STORIES: dict[tuple[Said, ...], int] = {
    ("delivered",): 40,
    ("accepted", "delivered"): 15,
    ("undelivered",): 15,
    ("accepted", "undelivered"): 5,
    ("undelivered", "delivered"): 5,  # it failed, and a second try of the network did not
    ("undelivered", "undelivered"): 4,
    ("accepted",): 6,
    (): 10,
}
# Minutes; hours; more than the 72 hours that we wait; more than the week that a receipt waits for us
DELAYS = ((0, 0.2, 60), (0.2, 72, 25), (72, 160, 12), (160, 500, 3))


class Network:
    """Receipts on their way to us."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._numbers = itertools.count(1)
        self._queue: list[tuple[datetime, int, Receipt]] = []

    def take(self, reference: int, now: datetime) -> None:
        """A message has arrived: draw what will be told of it."""
        for outcome in self._draw.choices([*STORIES], [*STORIES.values()])[0]:
            reason = self._draw.choice([*REASONS]) if outcome == "undelivered" else None
            self._tell(reference, outcome, reason, now)
            if self._draw.random() < 0.1:
                self._tell(reference, outcome, reason, now)  # the same under another name

    def _tell(self, reference: int, outcome: Said, reason: str | None, now: datetime) -> None:
        at = now + self._delay()
        if self._draw.random() < 0.05:
            at = _next_closed_day(at)
        happened = self._draw.choice((None, now, at))
        event = f"e{next(self._numbers)}"
        told = Receipt("fake", event, reference, outcome, reason, happened_at=happened)
        self._push(at, told)
        if self._draw.random() < 0.15:
            self._push(at + self._delay(), told)

    def stray(self, reference: int | None, now: datetime) -> None:
        """Tell of something that we never sent, or of another gateway's message under the same number."""
        event = f"s{next(self._numbers)}"
        gateway = "fake" if reference is None else self._draw.choice(("fake", "other"))
        self._push(now, Receipt(gateway, event, reference, "delivered"))

    def due(self, now: datetime) -> list[Receipt]:
        """What has come by now, in the order in which it came."""
        come = []
        while self._queue and self._queue[0][0] <= now:
            come.append(heapq.heappop(self._queue)[2])
        return come

    def again(self, receipts: Iterable[Receipt], at: datetime) -> None:
        """Nobody confirmed these: they come again."""
        for one in receipts:
            self._push(at, one)

    @property
    def is_silent(self) -> bool:
        """Whether nothing is on its way any more."""
        return not self._queue

    def _push(self, at: datetime, receipt: Receipt) -> None:
        heapq.heappush(self._queue, (at, next(self._numbers), receipt))

    def _delay(self) -> timedelta:
        least, most, _ = self._draw.choices(DELAYS, [odds for *_, odds in DELAYS])[0]
        return timedelta(hours=self._draw.uniform(least, most))


def _next_closed_day(at: datetime) -> datetime:
    """Networks know no holidays."""
    while not is_closed_day(at.astimezone(LONDON)):
        at += timedelta(days=1)
    return at
