"""Two copies of one record have one work pool: the second worker refuses to start."""

from __future__ import annotations

import shutil
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.client.schemas.objects import Worker, WorkerStatus

from clinic.errors import NotAllowed
from clinic.record.database import Record
from tasks.copies import named, place_of, refuse_copies


def worker(name: str, status: WorkerStatus = WorkerStatus.ONLINE) -> Worker:
    now = datetime.now(UTC)
    return Worker(name=name, work_pool_id=uuid.uuid4(), last_heartbeat_time=now, status=status)


def test_a_record_is_at_one_place_whoever_opens_it_and_a_copy_at_another(
    sqlite_record_url: str, tmp_path: Path
) -> None:
    places = []
    shutil.copy(sqlite_record_url.removeprefix("sqlite:///"), tmp_path / "copy.db")
    for url in (sqlite_record_url, sqlite_record_url, f"sqlite:///{tmp_path / 'copy.db'}"):
        record = Record.open(url)
        places.append(place_of(record))
        record.close()
    assert places[0] == places[1] != places[2]


def test_on_postgresql_it_is_the_database_whatever_the_host_is_called(postgres_url: str) -> None:
    places = []
    for url in (postgres_url, postgres_url.replace("127.0.0.1", "localhost")):
        record = Record.open(url)
        places.append(place_of(record))
        record.close()
    assert places[0] == places[1]


@pytest.mark.parametrize(
    ("others", "refused"),
    [
        ([], False),
        ([worker(named("hill 7", "aaaa1111"))], False),  # a further machine of the same record
        ([worker("hill 7")], False),  # of a version that said nothing of it
        (
            [worker(named("hill 7", "bbbb2222"), WorkerStatus.OFFLINE)],
            False,
        ),  # the machine that was lost
        ([worker(named("hill 7", "aaaa1111")), worker(named("dale 9", "bbbb2222"))], True),
    ],
)
def test_a_copy_that_polls_keeps_this_one_from_starting(
    others: list[Worker], refused: bool
) -> None:
    """Two installations on one server never meet, copies of one record neither."""
    if not refused:
        return refuse_copies(others, "aaaa1111", "cohort-3f2a9c1b")
    with pytest.raises(NotAllowed, match=r"record-copied: .*'dale 9 record-bbbb2222'"):
        refuse_copies(others, "aaaa1111", "cohort-3f2a9c1b")
    return None
