"""
NEW-16: the nightly import where a source is silent, through a real Prefect server; and when it is scheduled.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from clinic.errors import CohortError
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.message.sending.worker import Worker
from clinic.message.template.catalogue import seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.messages import message
from clinic.record.schema.people import patient
from clinic.record.schema.receipts import reminder
from clinic.record.systems.sync_runs import last_runs
from clinic.settings import Settings
from flows.remind import remind
from flows.sync import sync
from tasks.processes.environment import DEPLOYMENTS, by_the_clock
from tasks.sync import SyncRequest
from tasks.wiring import Wiring, use
from tests.fakes import FakeClock, FakeGateway
from tests.flows.nights.systems import Systems, first_day
from tests.main_job import nhs
from tests.servers.stand_in import standing_in


@pytest.fixture
def systems(tmp_path: Path, clock: FakeClock) -> Systems:
    (tmp_path / "out").mkdir()
    return Systems(tmp_path / "out", clock)


@pytest.fixture
def parts(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, systems: Systems
) -> Iterator[Wiring]:
    with standing_in(systems.answer) as server:
        chosen = {"home": tmp_path / "home", "phones": {"test_range": True},
                  "sources": systems.settings(server.url), "operator": "nia"}  # fmt: skip
        parts = Wiring(
            Settings.model_validate(chosen), sqlite_record, clock, Worker(tmp_path / "w")
        )
        parts.gateways[("sms", False)] = FakeGateway()
        install(sqlite_record, clock)
        seed_catalogue(sqlite_record, clock, TEMPLATES)
        use(parts)
        yield parts
        use(None)


def reminded(parts: Wiring) -> list[tuple[int, str]]:
    """The number of each patient whose message the gateway took, and the visit that it tells of."""
    query = (
        sa.select(patient.c.nhs_number, reminder.c.starts_at)
        .join(message, message.c.id == reminder.c.message_id)
        .join(patient, patient.c.id == message.c.patient_id)
        .where(message.c.state.in_(["accepted", "delivered"]))
    )
    numbers = {nhs(n): n for n in range(1, 9)}
    with parts.record.read() as connection:
        rows = connection.execute(query).all()
    gateway = parts.gateways[("sms", False)]
    assert sum(gateway.received.values()) == len(rows)  # type: ignore[attr-defined]  # it is ours
    return sorted((numbers[row[0]], f"{row[1]:%d %b %H:%M}") for row in rows)


def states(parts: Wiring) -> set[str]:
    with parts.record.read() as connection:
        return {run.state for run in last_runs(connection)}


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_where_a_source_is_silent_the_others_are_imported_and_nobody_is_reminded_until_it_speaks(
    parts: Wiring, clock: FakeClock, systems: Systems
) -> None:
    """NEW-16: told in the run, and in the terminal; the next night goes on by itself."""
    first_day(systems)
    (systems.folder / "tpp" / "SRAppointment.csv").unlink()
    with pytest.raises(CohortError, match=r"appointments from tpp \(source-no-file\)"):
        sync(SyncRequest())
    assert states(parts) == {"imported", "failed"}
    with pytest.raises(CohortError, match="appointments of tpp were never imported"):
        remind(ReminderRequest(days=2))
    assert reminded(parts) == []
    first_day(systems)
    sync(SyncRequest(sources=["tpp"]))
    remind(ReminderRequest(days=2))
    assert len(reminded(parts)) == 4


def test_it_is_scheduled_before_the_reminders() -> None:
    """NEW-16: at night, never twice at once; the evening's reminders find it fresh."""
    file = yaml.safe_load((DEPLOYMENTS).read_text())
    hours = {}
    for name in ("sync", "remind"):
        (found,) = [one for one in file["deployments"] if one["name"].startswith(f"{name} (")]
        (schedule,) = found["schedules"]
        cron = by_the_clock(Settings()).get(schedule["cron"].strip("{$} "), schedule["cron"])
        hours[name] = int(cron.split()[1])
        assert found["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert hours["sync"] < hours["remind"]
    assert hours["remind"] - hours["sync"] < Settings().sync.reminder_hours
