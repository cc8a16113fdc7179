"""
So many runs of a worker start at the same time; the others wait their turn.

Every start is a process that imports for seconds and asks Prefect's server for much at once. Fifty of them
beside each other make a server on SQLite answer 503 until their patience is over, and they crash before they
have done anything. A run that waits for its turn is still Scheduled: another worker may take it, anybody may
cancel it. Those that have begun are not counted: a long campaign keeps no short run from starting.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import anyio

# Longer takes a start only on a machine that is very busy: the next one may go then
MOST_SECONDS: Final = 60
_LOOK_SECONDS: Final = 1.0

Sleep = Callable[[float], Awaitable[object]]


class Turns:
    """
    Turns to start.

    Args:
        most: that start at the same time
        is_starting: asked once a second of a run that was started: whether it has not begun yet
    """

    def __init__(
        self, most: int, is_starting: Callable[[UUID], Awaitable[bool]], sleep: Sleep = anyio.sleep
    ) -> None:
        self._free = anyio.Semaphore(most)
        self._is_starting, self._sleep = is_starting, sleep

    @asynccontextmanager
    async def one(self, run: UUID) -> AsyncIterator[None]:
        """A turn in which this run is started; it is over when the run has begun, or never will."""
        async with self._free:
            yield
            for _ in range(int(MOST_SECONDS / _LOOK_SECONDS)):
                if not await self._is_starting(run):
                    return
                await self._sleep(_LOOK_SECONDS)
