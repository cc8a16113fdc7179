"""Runs start a few at a time, and one that never begins does not hold the others up for ever."""

from __future__ import annotations

import itertools
from uuid import UUID, uuid4

import anyio
import pytest

from tasks.prefect.turns import MOST_SECONDS, Turns


class Machine:
    """Runs that take some looks until they have begun; how many were starting at most, and who was asked."""

    def __init__(self, looks: int) -> None:
        self._looks = looks
        self.starting: dict[UUID, int] = {}
        self.most = 0
        self.slept = 0.0

    async def is_starting(self, run: UUID) -> bool:
        self.starting[run] -= 1
        if self.starting[run] > 0:
            return True
        del self.starting[run]
        return False

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        await anyio.sleep(0)

    async def start(self, turns: Turns, run: UUID) -> None:
        async with turns.one(run):
            self.starting[run] = self._looks
            self.most = max(self.most, len(self.starting))
            await anyio.sleep(0)


async def start_all(machine: Machine, count: int, most: int) -> None:
    turns = Turns(most, machine.is_starting, machine.sleep)
    async with anyio.create_task_group() as together:
        for _ in itertools.repeat(None, count):
            together.start_soon(machine.start, turns, uuid4())


@pytest.mark.parametrize(("count", "most", "together"), [(50, 3, 3), (7, 1, 1), (2, 5, 2)])
def test_so_many_start_at_the_same_time_and_all_of_them_start(
    count: int, most: int, together: int
) -> None:
    machine = Machine(looks=4)
    anyio.run(start_all, machine, count, most)
    assert (machine.most, machine.starting) == (together, {})


def test_those_that_never_begin_give_their_turn_on() -> None:
    machine = Machine(looks=10_000)
    anyio.run(start_all, machine, 4, 2)
    assert len(machine.starting) == 4
    assert machine.slept == 4 * MOST_SECONDS
