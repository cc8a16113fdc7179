"""A practice with a desk before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.record.database import Record
from tasks.wiring import Wiring
from tests.desk.visitors import Visitor, add_people, parts_of
from tests.fakes import FakeClock
from tests.main_job import Practice


@pytest.fixture
def practice(sqlite_record_url: str, clock: FakeClock, tmp_path: Path) -> Iterator[Practice]:
    """An empty practice on SQLite; its people can sign in."""
    record = Record.open(sqlite_record_url)
    made = Practice(record, clock, tmp_path)
    add_people(record, clock, tmp_path)
    yield made
    record.close()


@pytest.fixture
def parts(practice: Practice) -> Wiring:
    """The parts of its desk."""
    return parts_of(practice.record, practice.clock, practice.settings)


@pytest.fixture
def visitor(parts: Wiring) -> Visitor:
    """A browser without scripts, not signed in."""
    return Visitor(parts)
