"""Items that come at once are written at once: whoever adds some waits until they are on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST = 5_000


class Grouped(Generic[T]):
    """
    Hands items over in groups: while one group is written in a thread, the next gathers.

    Belongs to one event loop. A group that fails, fails for everybody who has an item in it.
    """

    def __init__(self, write: Callable[[list[T]], object]) -> None:
        self._write = write
        self._waiting: list[tuple[list[T], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def add(self, items: list[T]) -> None:
        """
        Write these, together with what others add meanwhile; returns when they are written.

        Raises:
            whatever the writing raised
        """
        if not items:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain())
        await done

    async def _drain(self) -> None:
        while self._waiting:
            group = self._next()
            items = [item for some, _ in group for item in some]
            try:
                await asyncio.to_thread(self._write, items)
            except Exception as error:
                _finish(group, error)
            else:
                _finish(group, None)

    def _next(self) -> list[tuple[list[T], asyncio.Future[None]]]:
        count, size = 0, 0
        for items, _ in self._waiting:
            if count and size + len(items) > _MOST:
                break
            count, size = count + 1, size + len(items)
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group


def _finish(group: list[tuple[list[T], asyncio.Future[None]]], error: Exception | None) -> None:
    for _, done in group:
        if done.done():  # who waited has gone
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
