"""What ends by itself on this machine is started again: at once, then with longer and longer waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinic.health.facts import Facts, PrefectFacts, RecordFacts
from clinic.health.judge import judge
from clinic.settings import Settings
from tasks.processes.environment import prefect_home
from tasks.processes.revive import Reviver, note, started_again


class Machine:
    """One process, a clock in minutes, and how long the process lives when it is started."""

    def __init__(self, lives: Callable[[int], float]) -> None:
        self.minute = 0.0
        self.dies_at = 10.0
        self.starts: list[float] = []
        self.noted: list[str] = []
        self._lives = lives
        part = (lambda: self.minute < self.dies_at, self._start)
        self.reviver = Reviver({"worker": part}, self.noted.append, lambda: 60 * self.minute)

    def _start(self) -> bool:
        self.starts.append(self.minute)
        self.dies_at = self.minute + self._lives(len(self.starts))
        return True

    def watch(self, minutes: int) -> list[float]:
        for _ in range(minutes):
            self.reviver.look()
            self.minute += 1
        return self.starts


@pytest.mark.parametrize(
    ("lives", "starts"),
    [
        (lambda _: 10_000, [10]),  # killed once
        (
            lambda _: 0,
            [10, 12, 16, 24, 40, 72, 132, 192],
        ),  # it cannot live: an hour between at last
        (lambda _: 3, [10, 13, 17, 25, 41, 73, 133, 193]),  # it lives for three minutes each time
        (lambda n: 70 if n == 1 else 10_000, [10, 80]),  # killed once, and once more much later
        (
            lambda n: 0 if n == 1 else 65,
            [10, 12, 77, 142, 207],
        ),  # what lived for an hour is at once
    ],
)
def test_it_is_started_again(lives: Callable[[int], float], starts: list[float]) -> None:
    machine = Machine(lives)
    assert machine.watch(240) == starts
    assert machine.noted == ["worker"] * len(starts)


def test_what_cannot_be_started_waits_too_and_what_another_started_is_not_noted() -> None:
    tries: list[float] = []
    minute = 0.0

    def fails() -> bool:
        tries.append(minute)
        raise OSError

    noted: list[str] = []
    part = {"worker": (lambda: False, fails)}
    reviver = Reviver(part, noted.append, lambda: 60 * minute)
    while minute < 10:
        try:
            reviver.look()
        except OSError:
            pass
        minute += 1
    assert (tries, noted) == ([0, 2, 6], [])
    Reviver({"worker": (lambda: False, lambda: False)}, noted.append, lambda: 0.0).look()
    assert noted == []


def test_people_are_told_for_half_a_day(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    prefect_home(settings).mkdir()
    night = datetime(2026, 3, 2, 2, 14, tzinfo=UTC)
    for minute in range(60):  # the note does not grow for ever
        note(settings, "server", night - timedelta(days=1, minutes=minute))
    for name, minutes in (("worker", 0), ("worker", 2), ("server", 3)):
        note(settings, name, night + timedelta(minutes=minutes))
    assert len(started_again(settings)) == 50

    def said(at: datetime) -> list[str]:
        fine = PrefectFacts(polled_at=at)
        facts = Facts(at, RecordFacts(), fine, started_again=started_again(settings))
        found = judge(facts, settings.health)
        assert {one.code for one in found} <= {"ended-by-itself"}
        return [one.says for one in found]

    (says,) = said(night + timedelta(hours=6))
    assert "the worker ended by itself and was started again, 2 times in 12 hours" in says
    assert "last 2 Mar 2026 02:16 UTC; the server ended by itself" in says
    assert said(night + timedelta(hours=13)) == []
