"""A practice whose patients have links."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.govern.audit.key import unlock
from clinic.record.database import Record
from tests.documents import with_door
from tests.fakes import FakeClock
from tests.main_job import Practice


@pytest.fixture
def practice(sqlite_record_url: str, clock: FakeClock, tmp_path: Path) -> Iterator[Practice]:
    """On SQLite, with a door before it."""
    record = Record.open(sqlite_record_url)
    unlock(record, tmp_path)
    made = Practice(record, clock, tmp_path, name="Meddygfa Llanfair", phone="01632 960000")
    with_door(made)
    yield made
    record.close()
