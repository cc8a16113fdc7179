"""How many runs send one campaign together: as many as were asked for and have work."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.sending_stop import stop_by_person
from clinic.message.prepare.control import pause, resume
from clinic.message.sending.beside import last_batch, sent_by, shared_campaigns, wanted_beside
from clinic.message.sending.deliver import deliver
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.values.calendar import Calendar
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger

ALWAYS = Timing()
NEVER_NOW = Timing(calendar=Calendar(text=(((0, 60),),) * 7))  # it is ten o'clock


def made(record: Record, clock: FakeClock, *, batches: int = 6, **values: object) -> int:
    add_patients(record, batches)
    return add_campaign(record, clock, batches, batch_size=1, **values)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, 0),  # by default one run sends it
        ({"workers": 1}, 0),
        ({"workers": 4}, 3),
        ({"workers": 6}, 5),
        ({"workers": 64}, 5),  # six batches are work for six
        ({"workers": 4, "state": states.PAUSED}, 0),
        ({"workers": 4, "state": states.CHECKING}, 0),
        ({"workers": 4, "state": states.AWAITING_APPROVAL}, 0),
        ({"workers": 4, "state": states.COMPLETED}, 0),
        ({"workers": 4, "canary_size": 1}, 0),  # its pilot batch first
        ({"workers": 4, "canary_size": 1, "canary_passed": True}, 3),
    ],
)
def test_so_many_are_wanted_beside_the_campaigns_own_run(
    sqlite_record: Record, clock: FakeClock, values: dict[str, object], wanted: int
) -> None:
    number = made(sqlite_record, clock, **values)
    assert wanted_beside(sqlite_record, number, clock.now(), ALWAYS) == wanted
    at_it = values.get("workers", 1) != 1 and values.get("state", "running") == "running"
    assert shared_campaigns(sqlite_record) == ([number] if at_it else [])


def test_none_is_wanted_while_it_is_closed_or_all_sending_is_stopped(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """NEW-7, NEW-9."""
    number = made(sqlite_record, clock, workers=4)
    assert wanted_beside(sqlite_record, number, clock.now(), NEVER_NOW) == 0
    stop_by_person(sqlite_record, clock, by="mia", reason="a wrong text")
    assert wanted_beside(sqlite_record, number, clock.now(), ALWAYS) == 0


def test_fewer_are_wanted_when_less_is_left(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    number = made(sqlite_record, clock, workers=4)
    assert last_batch(sqlite_record, number) == 6
    found = []
    for last in range(1, 7):
        ledger = make_ledger(sqlite_record, clock, tmp_path)
        deliver(ledger, FakeGateway(), number, last, last)
        assert sent_by(sqlite_record, number, ledger.worker.name) == (1, 1)
        found.append(wanted_beside(sqlite_record, number, clock.now(), ALWAYS))
    assert found == [3, 3, 2, 1, 0, 0]


def test_a_batch_that_waits_for_its_time_is_work_for_nobody(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-5: of what the gateway did not take nobody waits in a process of their own."""
    number = made(sqlite_record, clock, batches=2, workers=2)
    assert wanted_beside(sqlite_record, number, clock.now(), ALWAYS) == 1
    busy = FakeGateway(plan=["busy"] * 99)
    ledger = make_ledger(sqlite_record, clock, tmp_path)
    deliver(ledger, busy, number, 1, 2, patience=timedelta())
    assert wanted_beside(sqlite_record, number, clock.now(), ALWAYS) == 0


def test_who_resumes_says_how_many_also_of_one_that_is_under_way(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """NEW-9: and who does not say it leaves that as it is."""
    number = made(sqlite_record, clock)
    pause(sqlite_record, clock, number, by="mia", reason="look")
    found = []
    for workers in (3, None, 5):
        resume(
            sqlite_record, clock, number, by="mia", reason="", timing=ALWAYS, workers=workers
        )  # fmt: skip
        with sqlite_record.read() as connection:
            job = get_campaign(connection, number)
        found.append((job.state, job.workers))
    assert found == [("running", 3), ("running", 3), ("running", 5)]
