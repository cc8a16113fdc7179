"""A backup taken in mid-send, restored elsewhere and resumed: the gateway's own book is the judge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.backup.read import check_backup, unpacked
from clinic.backup.restore import restore
from clinic.backup.write import write_backup
from clinic.clock import SystemClock
from clinic.message.campaign.doubt import promises_of
from clinic.message.campaign.sending_stop import allow, sending
from clinic.message.prepare.control import resume
from clinic.message.sending.restore_guard import accept, home_of
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.messages import batch
from tests.kill.harness import end, finish, judge, kill_at, prepare, start
from tests.kill.job import Job, settings_of
from tests.processes import ONE_SERVER
from tests.servers.recorder import running_gateway

pytestmark = ONE_SERVER

PEOPLE = 400
CLOCK = SystemClock()
TIMING = Timing()


def move(job: Job, backup: Path, url: str, home: Path) -> Job:
    """The same job in an installation that is made of the backup."""
    there = replace(job, url=url, home=str(home))
    with unpacked(backup, backup.parent) as (parts, manifest):
        restore(settings_of(there), CLOCK, parts, manifest)
    return there


def resume_all(job: Job) -> None:
    """What a person does who asked the provider."""
    record = Record.open(job.url)
    with record.write() as connection:
        allow(connection, CLOCK, by="mia", reason="asked the provider", told={})
        accept(connection, home_of(settings_of(job)))
        # A restore takes longer than a lease lasts; a test need not
        connection.execute(sa.update(batch).values(lease_until=CLOCK.now() - timedelta(hours=1)))
    promises = promises_of(settings_of(job))
    blind = promises["http-sms"].gateway_class == "B"
    resume(
        record, CLOCK, 1, by="mia", reason="asked", timing=TIMING, promises=promises,
        left="nothing" if blind else "repeat",
    )  # fmt: skip
    record.close()


@pytest.mark.parametrize("gateway_class", ["I", "B"])
def test_what_was_in_flight_is_sent_once_or_named(
    record_url: str, elsewhere: str, tmp_path: Path, gateway_class: str
) -> None:
    """NEW-3. Class I: also what was sent after the backup; class B: what was open in it is unknown."""
    file = prepare(record_url, tmp_path, PEOPLE)
    with running_gateway(mode=gateway_class, faults="none", seed=1, late_ms=1500) as gateway:
        job = Job(
            url=record_url, home=str(tmp_path / "lost"), file=str(file), gateway=gateway.url,
            gateway_class=gateway_class, batch_size=100, per_request=20, point="send.returned", hit=2,
        )  # fmt: skip
        assert kill_at(job) == 1
        backup = write_backup(settings_of(job), CLOCK, tmp_path / "mid-send.tar", None)
        if gateway_class == "I":
            finish(job)  # and the machine is lost only now
            assert gateway.report().unique == PEOPLE
        there = move(job, backup, elsewhere, tmp_path / "elsewhere")
        resume_all(there)
        finish(there)
        fate = judge(elsewhere, gateway.report().taken, people=PEOPLE, kills=1)
    assert fate.doubled == 0
    assert fate.lost == 0
    assert fate.is_clean, fate
    if gateway_class == "I":
        assert fate.outcomes == {"sent": PEOPLE}
    else:
        assert 0 < fate.unknown <= 100
        assert fate.outcomes["sent"] + fate.unknown == PEOPLE


def test_a_backup_is_consistent_while_messages_are_sent(
    record_url: str, elsewhere: str, tmp_path: Path
) -> None:
    """Taken again and again under a sender; each is whole, and the sender loses and doubles nobody."""
    file = prepare(record_url, tmp_path, PEOPLE)
    with running_gateway(mode="I", faults="none", seed=1, late_ms=1500) as gateway:
        job = Job(
            url=record_url, home=str(tmp_path / "here"), file=str(file), gateway=gateway.url,
            gateway_class="I", batch_size=50, per_request=5,
        )  # fmt: skip
        process, taken = start(job), []
        while process.is_alive():
            taken.append(
                write_backup(settings_of(job), CLOCK, tmp_path / f"{len(taken)}.tar", None)
            )
        assert end(process) == 0
        fate = judge(record_url, gateway.report().taken, people=PEOPLE, kills=0)
    assert (fate.doubled, fate.lost) == (0, 0)
    assert taken
    for backup in taken:
        check_backup(backup)
    there = move(job, taken[-1], elsewhere, tmp_path / "elsewhere")
    record = Record.open(there.url)
    found = sending(record)
    assert found.stopped is not None
    assert found.stopped.code == "database-restored"
    record.close()
