"""One event loop for any thread."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from clinic.gateway.loop import LoopThread


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_any_thread_may_wait_for_work() -> None:
    loop = LoopThread("test")
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: loop.run(double(n)), range(100))) == list(range(0, 200, 2))
    loop.close()


def test_an_error_of_the_work_is_raised_where_it_is_waited_for() -> None:
    async def fail() -> None:
        raise LookupError("so")

    loop = LoopThread("test")
    with pytest.raises(LookupError, match="so"):
        loop.run(fail())
    loop.close()


def test_closing_ends_what_still_runs_and_the_thread() -> None:
    begun = threading.Event()

    async def for_ever() -> None:
        begun.set()
        await asyncio.Event().wait()

    loop = LoopThread("to-be-closed")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(loop.run, for_ever())
        begun.wait(5)
        loop.close()
        with pytest.raises(CancelledError):
            waiting.result(5)
    loop.close()
    assert "to-be-closed" not in {thread.name for thread in threading.enumerate()}
