"""Exports, visits, notices and reminders as flows: approved, done once, and no patient in Prefect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.change.export.export import folder_of
from clinic.change.operations import get_operation
from clinic.change.review.deciding import decide
from clinic.errors import CohortError
from clinic.govern.approvals.approvals import latest
from clinic.notify.asking import ask_for
from clinic.notify.request import NoticeRequest
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.messages import message
from clinic.record.schema.people import appointment, facility
from clinic.settings import EmailGateway, Notices, Operations, Settings
from flows.export_data import export_data
from flows.notify_staff import notify_staff
from flows.schedule_visits import schedule_visits
from flows.upkeep.chase_approvals import chase_approvals
from tasks import wiring
from tests.clinic.change.practice import (
    ASKER,
    MANAGER,
    approved,
    asked,
    done,
    practice,
    reviewed,
    update,
)
from tests.fakes import FakeClock, FakeGateway
from tests.servers.prefect_server import find_in_prefect

pytestmark = pytest.mark.prefect
SENTINEL = "SENTINEL-EXPORTED"


@pytest.fixture
def wired(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Iterator[wiring.Wiring]:
    """This process works on a small practice whose team has an address."""
    from clinic.message.sending.worker import Worker

    practice(sqlite_record)
    install(sqlite_record, clock)
    parts = wiring.Wiring(
        settings=Settings(
            home=tmp_path / "home",
            operations=Operations(chunk_size=2),
            notices=Notices(internal=("team@practice.nhs.uk",)),
            email=EmailGateway(host="127.0.0.1", sender="desk@practice.nhs.uk", tls="none"),
        ),
        record=sqlite_record,
        clock=clock,
        worker=Worker(tmp_path / "workers"),
        gateways={("email", False): FakeGateway(name="smtp", channel="email")},
    )
    wiring.use(parts)
    yield parts
    wiring.use(None)
    parts.worker.close()


def test_an_export_is_one_file_and_prefect_knows_nobody_in_it(
    prefect_server: Settings, wired: wiring.Wiring, clock: FakeClock
) -> None:
    """ALC-6, ALC-24, rule 10."""
    record = wired.record
    update(record, 1, family_name=SENTINEL)
    parameters = {"what": "patients", "format": "csv"}
    operation_id = asked(record, clock, "export", parameters, range(1, 7), settings=wired.settings)
    approved(record, clock, operation_id, settings=wired.settings)
    summary = export_data(operation_id)
    assert (summary.state, summary.applied) == ("done", 6)
    path = folder_of(wired.settings) / f"export-{operation_id}.csv"
    assert SENTINEL in path.read_text(encoding="utf-8-sig")
    assert export_data(operation_id) == summary
    assert find_in_prefect(prefect_server.home, [SENTINEL]) == []


def test_an_export_without_its_file_is_not_done_and_goes_on_when_run_again(
    prefect_server: Settings, wired: wiring.Wiring, clock: FakeClock
) -> None:
    """The disk is full, or the folder is not ours: nothing is through, and no half file is there."""
    record, settings = wired.record, wired.settings
    parameters = {"what": "patients", "format": "csv"}
    operation_id = asked(record, clock, "export", parameters, [1], settings=settings)
    approved(record, clock, operation_id, settings=settings)
    settings.home.mkdir()
    folder_of(settings).write_text("a file where the folder should be")
    with pytest.raises(CohortError):
        export_data(operation_id)
    assert get_operation(record, operation_id).state == "running"
    folder_of(settings).unlink()
    assert export_data(operation_id).state == "done"


def test_visits_are_booked_once(
    prefect_server: Settings, wired: wiring.Wiring, clock: FakeClock
) -> None:
    """ALC-7."""
    record = wired.record
    parameters = {"type": "wellness", "from": "2026-03-09", "to": "2026-03-13"}
    operation_id = asked(record, clock, "visit", parameters, range(1, 7), settings=wired.settings)
    approved(record, clock, operation_id, settings=wired.settings)
    summary = schedule_visits(operation_id)
    assert (summary.state, summary.applied) == ("done", 6)
    assert schedule_visits(operation_id) == summary
    with record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(appointment)) == 6


def test_a_notice_waits_for_its_approval_and_is_sent_once(
    prefect_server: Settings, wired: wiring.Wiring, clock: FakeClock
) -> None:
    """ALC-8, ALC-32."""
    record = wired.record
    with record.write() as connection:
        connection.execute(sa.update(facility).values(email="desk@practice.nhs.uk"))
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1, 2])
    done(record, clock, operation_id)
    request = NoticeRequest(
        operation_id=operation_id, audience="facility", reason="r", requested_by="ann",
        request_key="the-notice",
    )  # fmt: skip
    with pytest.raises(CohortError, match="notice-unasked"):
        notify_staff(request)  # as anybody may start it in Prefect, in anybody's name
    ask_for(record, clock, wired.settings, request, by=ASKER)
    with pytest.raises(CohortError, match="approval-waiting"):
        notify_staff(request)
    with record.write() as connection:
        waiting = latest(connection, subject="campaign", subject_id=1)
    assert waiting is not None
    assert waiting.kind == "notification"
    decide(record, clock, waiting.id, operator=MANAGER, decision="approved", note="")
    assert notify_staff(request).outcomes["sent"] == 1
    assert notify_staff(request).outcomes["sent"] == 1
    gateway = wired.gateways[("email", False)]
    assert isinstance(gateway, FakeGateway)
    assert set(gateway.received.values()) == {1}


def test_the_team_is_reminded_of_what_waits(
    prefect_server: Settings, wired: wiring.Wiring, clock: FakeClock
) -> None:
    """ALC-45."""
    record = wired.record
    chase_approvals()
    waiting = reviewed(record, clock, asked(record, clock, "status", {"to": "on_hold"}, [1]))
    clock.sleep(25 * 3600)
    chase_approvals()
    chase_approvals()
    with record.read() as connection:
        (body,) = connection.scalars(sa.select(message.c.body))
    assert f"cohort approve {waiting}" in body
    gateway = wired.gateways[("email", False)]
    assert isinstance(gateway, FakeGateway)
    assert sum(gateway.received.values()) == 1
