"""COM-1, COM-2, ACX-36: the nightly flow, through a real Prefect server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml  # type: ignore[import-untyped]  # for a test alone, no stubs

from cli.begin.settings_file import settings_file
from cli.begin.start import set_up
from cli.message.options import Manner
from cli.remind.options import Choice
from cli.remind.session import remind_patients
from clinic.clock import SystemClock
from clinic.message.prepare.due import due_campaigns
from clinic.message.prepare.review import request_of
from clinic.message.reminders.remind import begin_reminders
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.message.sending.worker import Worker
from clinic.message.template.catalogue import seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.people import appointment, clinical_item
from clinic.settings import Settings
from flows.message import message
from flows.remind import remind
from tasks.processes.environment import DEPLOYMENTS, by_the_clock
from tasks.wiring import Wiring, use
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_patients


@pytest.fixture
def parts(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Iterator[Wiring]:
    settings = Settings(home=tmp_path, phones={"test_range": True})  # type: ignore[arg-type]
    parts = Wiring(settings, sqlite_record, clock, Worker(tmp_path / "workers"))
    parts.gateways[("sms", False)] = FakeGateway()
    install(sqlite_record, clock)
    seed_catalogue(sqlite_record, clock, TEMPLATES)
    use(parts)
    yield parts
    use(None)


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_a_night_reminds_everybody_once_and_a_quiet_night_is_no_failure(
    parts: Wiring, clock: FakeClock
) -> None:
    """COM-1, COM-2, COM-7: sent by the vendor's template, filed on the record; again: nothing."""
    add_patients(parts.record, 3)
    with parts.record.write() as connection:
        for n in (1, 2, 3):
            connection.execute(
                sa.insert(appointment).values(
                    patient_id=n, starts_at=clock.now() + timedelta(days=n), place="Room 4"
                )
            )
    sent = []
    for _ in range(2):
        summary = remind(ReminderRequest(days=2))
        sent.append(dict(summary.outcomes))
    assert sent == [{"sent": 2}, {}]
    with parts.record.read() as connection:
        query = sa.select(sa.func.count()).select_from(clinical_item)
        assert connection.execute(query).scalar_one() == 2


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_reminders_whose_run_died_before_it_let_them_go_leave_half_an_hour_later(
    parts: Wiring, clock: FakeClock
) -> None:
    """COM-2: nobody looks at a run by night; later nights would leave out what it holds."""
    add_patients(parts.record, 1)
    with parts.record.write() as connection:
        visit = {"patient_id": 1, "starts_at": clock.now() + timedelta(days=1), "place": "Room 4"}
        connection.execute(sa.insert(appointment).values(visit))
    number = begin_reminders(
        parts.record, clock, parts.settings, ReminderRequest(days=2), request_key="tonight",
        gateway=parts.gateway("sms", dry_run=False).name, batch_limit=1000,
    )  # fmt: skip
    clock.sleep(25 * 60)
    assert due_campaigns(parts.record, clock.now(), parts.timing) == []
    clock.sleep(6 * 60)
    assert due_campaigns(parts.record, clock.now(), parts.timing) == [number]
    assert dict(message(request_of(parts.record, number)).outcomes) == {"sent": 1}
    assert due_campaigns(parts.record, clock.now(), parts.timing) == []


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_a_person_reminds_by_hand_leaves_a_row_out_and_a_second_time_nobody_is_reminded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """COM-5: the list, deselect, send; by the same flow, so that each appointment is reminded of once."""
    config = tmp_path / "cohort.toml"
    chosen = {"home": str(tmp_path), "phones.test_range": True, "hours.text": {}, "operator": "nia"}
    config.write_text(settings_file(chosen), encoding="utf-8")
    monkeypatch.setenv("COHORT_CONFIG", str(config))
    settings = Settings(home=tmp_path)
    set_up(settings)
    record = Record.open(settings.database_url)
    add_patients(record, 3)
    with record.write() as connection:
        for n in (1, 2, 3):
            at = SystemClock().now() + timedelta(hours=n)
            values = {"patient_id": n, "starts_at": at, "place": "Room 4"}
            connection.execute(sa.insert(appointment).values(values))
    yes, here = Manner(yes=True, json=True), {"days": 2}
    remind_patients(here, yes, Choice(only_look=True), use_server=lambda _: None)
    seen = json.loads(capsys.readouterr().out)["seen"]
    choice = Choice(leave_out=(2,), seen=seen)
    remind_patients(here, yes, choice, use_server=lambda _: None)
    assert json.loads(capsys.readouterr().out)["outcomes"] == {"kept_in_outbox": 2, "deselected": 1}
    again = here | {"place": "Room 4"}
    remind_patients(again, yes, Choice(only_look=True), use_server=lambda _: None)
    found = json.loads(capsys.readouterr().out)
    assert (found["reminded_already"], found["accepted"]) == (2, 1)
    record.close()


def test_it_is_scheduled_by_the_organisations_clock() -> None:
    """COM-2: what comes with the program runs every evening, and never twice at once."""
    file = yaml.safe_load((DEPLOYMENTS).read_text())
    (found,) = [one for one in file["deployments"] if one["name"].startswith("remind (")]
    (schedule,) = found["schedules"]
    says = by_the_clock(Settings())
    filled = {key: says[schedule[key].strip("{$} ")] for key in ("timezone", "cron")}
    assert filled == {"timezone": Settings().organisation.time_zone, "cron": "0 17 * * *"}
    assert found["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    ReminderRequest.model_validate(found["parameters"]["request"])
