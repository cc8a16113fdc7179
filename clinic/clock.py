"""The time, handed in: rules take a `Clock`, so that a test's year takes a second."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final, Protocol


class Clock(Protocol):
    """Tells the time, and waits."""

    def now(self) -> datetime:
        """Now, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def elapsed(self) -> float:
        """Seconds since some instant: for waits, since the time itself may jump while one sleeps."""


# Goes on while the machine sleeps: a lease does so too, on every other host
_ELAPSED: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def elapsed(self) -> float:
        return time.clock_gettime(_ELAPSED)
