"""Who holds a batch, and the proof that a worker is dead."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from clinic.message.sending.worker import Worker
from tests.processes import ONE_SERVER, processes


def hold(folder: Path, told: Connection) -> None:
    """Be a worker until killed."""
    told.send(Worker(folder).name)
    told.recv()


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    return Worker(tmp_path / "workers")


def test_each_worker_has_a_name_of_its_own(tmp_path: Path) -> None:
    assert Worker(tmp_path).name != Worker(tmp_path).name


def test_a_living_worker_is_not_dead_and_nor_am_i(tmp_path: Path) -> None:
    one, other = Worker(tmp_path), Worker(tmp_path)
    assert one.dead([one.name, other.name]) == []


def test_a_worker_that_gave_its_lock_back_is_dead(tmp_path: Path) -> None:
    one, other = Worker(tmp_path), Worker(tmp_path)
    other.close()
    assert one.dead([other.name]) == [other.name]


@ONE_SERVER
def test_a_killed_process_is_known_dead_at_once(worker: Worker, tmp_path: Path) -> None:
    """NEW-3: the kernel frees the lock however the process ends."""
    ours, theirs = processes.Pipe()
    process = processes.Process(target=hold, args=(tmp_path / "workers", theirs))
    process.start()
    name = ours.recv()
    assert worker.dead([name]) == []
    process.kill()
    process.join()
    assert worker.dead([name]) == [name]


def test_of_a_worker_on_another_host_or_after_a_restart_nothing_is_proven(
    worker: Worker,
) -> None:
    """Only its lease, run out, allows to take over."""
    assert worker.dead(["000000000000:abcdef", f"{worker.name[:12]}:never-seen"]) == []


def test_the_lock_is_for_its_owner_alone(worker: Worker, tmp_path: Path) -> None:
    (file,) = (tmp_path / "workers").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_locks_of_workers_that_ended_days_ago_are_taken_away_and_no_others(tmp_path: Path) -> None:
    ended, young, living = (Worker(tmp_path) for _ in range(3))
    ended.close()
    young.close()
    files = {
        one: tmp_path / (one.name.replace(":", "-") + ".lock") for one in (ended, young, living)
    }
    for one in (ended, living):
        os.utime(files[one], (0, 0))
    new = Worker(tmp_path)
    assert [files[one].exists() for one in (ended, young, living)] == [False, True, True]
    assert new.dead([young.name, living.name]) == [young.name]
