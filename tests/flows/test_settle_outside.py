"""ACX-33, NEW-11: what was sent while the clinical system was closed is saved there by the scheduled flow."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from clinic.message.sending.worker import Worker
from clinic.outside_record.standing import standing
from clinic.record.database import Record
from clinic.settings import OutsideRecord, Phones, Settings
from flows.settle import settle
from tasks.wiring import Wiring, use
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs
from tests.servers.fhir import running_fhir

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]
TOKEN = "token-that-nobody-may-read"


def test_the_flow_saves_when_the_system_is_open_again_and_the_token_is_in_no_log(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A closed system stops neither the campaign nor the flow."""
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(3)
    practice.run(practice.everybody(3))
    with running_fhir(tmp_path / "fhir") as server:
        server.patients({n: nhs(n) for n in range(1, 4)})
        server.kill()
        settings = Settings(
            home=tmp_path,
            phones=Phones(test_range=True),
            outside_record=OutsideRecord(
                fhir_url=server.url,
                save_from="2026-01-01",
                token=SecretStr(TOKEN),  # type: ignore[arg-type]
            ),
        )
        use(Wiring(settings, sqlite_record, clock, Worker(tmp_path / "workers")))
        try:
            with caplog.at_level(logging.DEBUG):
                assert settle(return_state=True).is_completed()
                closed = standing(sqlite_record)
                server.start()
                clock.sleep(3600)
                assert settle(return_state=True).is_completed()
        finally:
            use(None)
        assert closed.counts["message"] == {"waiting": 3}
        assert "cannot be reached" in closed.side.trouble
        assert standing(sqlite_record).counts["message"] == {"saved": 3}
        assert server.count("Communication") == 3
    assert TOKEN not in caplog.text
    assert nhs(1) not in caplog.text
