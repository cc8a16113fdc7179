"""NEW-18: an operation's flow changes the record outside too, past a conflict and a cut, and so its undo."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.people import patient
from clinic.settings import OutsideRecord, Settings
from flows.transfer_facility import transfer_facility
from flows.undo import undo
from tasks import wiring
from tests.clinic.change.practice import SETTINGS, approved, asked, column, outcomes, practice
from tests.clinic.change.run.test_undo import undo_of
from tests.fakes import FakeClock
from tests.main_job import nhs
from tests.servers.fhir import faults_before, running_fhir

pytestmark = pytest.mark.prefect
COUNT = 4


def test_a_transfer_and_its_undo_reach_both_sides_through_their_flows(
    prefect_server: Settings, sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-18: the cut is tried again by Prefect; who is elsewhere there stays as they are, and is listed."""
    record = sqlite_record
    practice(record, COUNT)
    with record.write() as connection:
        for n in range(1, COUNT + 1):
            own = sa.update(patient).where(patient.c.id == n)
            connection.execute(own.values(nhs_number=nhs(n)))
    url = f"urn:uuid:{install(record, clock)}#facility"
    with (
        running_fhir(tmp_path / "fhir") as server,
        faults_before(server.port, "pass", "pass", "cut") as faults,
    ):
        server.patients({n: nhs(n) for n in range(1, COUNT + 1)})
        elsewhere = server.ask("Patient/p4") | {"extension": [{"url": url, "valueCode": "F3"}]}
        server.tell("PUT", "Patient/p4", elsewhere)

        def there() -> list[str]:
            found = (server.ask(f"Patient/p{n}") for n in range(1, COUNT + 1))
            return [one.get("extension", [{"valueCode": ""}])[0]["valueCode"] for one in found]

        outside = OutsideRecord(fhir_url=faults.url, save_from="2026-01-01", push=True)  # type: ignore[arg-type]
        values = {"home": tmp_path, "outside_record": outside}
        settings = SETTINGS.model_copy(update=values)
        parts = wiring.Wiring(settings, record, clock, Worker(tmp_path / "workers"))
        wiring.use(parts)
        try:
            number = asked(record, clock, "facility", {"to": "F2"}, range(1, COUNT + 1))
            approved(record, clock, number)
            summary = transfer_facility(number)
            assert (summary.state, summary.applied, summary.conflicts) == (
                "done_with_conflicts",
                3,
                1,
            )
            assert len(faults.asked) > 3, "the cut was met"
            assert outcomes(record, number)[4] == "differs_outside"
            assert there() == ["F2", "F2", "F2", "F3"]
            assert column(record, "facility_id") == {1: 2, 2: 2, 3: 2, 4: 1}
            back = undo_of(record, clock, number)
            approved(record, clock, back)
            assert undo(back).applied == 3
            assert there() == ["F1", "F1", "F1", "F3"]
            assert set(column(record, "facility_id").values()) == {1}
        finally:
            wiring.use(None)
            parts.worker.close()
