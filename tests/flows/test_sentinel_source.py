"""
Secrets of sources and a patient that they give: neither in what Prefect keeps, nor in what is printed.

The search is that of test_no_patient_data.py, which shows that it finds what is there.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.people import patient
from clinic.settings import Settings
from flows.sync import sync
from tasks.sync import SyncRequest
from tasks.wiring import use
from tests.clinic.sources.fhir.asking import bundle
from tests.fakes import FakeClock
from tests.flows.installation import parts_of, shown
from tests.main_job import Practice, nhs
from tests.servers.prefect_server import find_in_prefect
from tests.servers.stand_in import Asked, Said, standing_in

pytestmark = pytest.mark.prefect


@pytest.mark.parametrize("ends", ["imported", "refused"])
def test_nothing_of_a_source_is_kept_by_prefect_or_printed(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, prefect_server: Settings,
    capfd: pytest.CaptureFixture[str], ends: str,
) -> None:  # fmt: skip
    """NEW-14, ARC-11: a server's token, a patient's ids and name, a database's password; after each end."""
    letters = uuid.uuid4().hex
    number, family, key = nhs(40), f"Llŷr{letters[:9]}", f"pat-{letters[9:20]}"
    token, password = f"t0k{letters[:12]}", f"pw{letters[12:24]}"
    given = {
        "resourceType": "Patient", "id": key, "name": [{"family": family, "given": ["Siân"]}],
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}],
        "birthDate": "1950-01-01",
    }  # fmt: skip

    def answer(asked: Asked) -> Said:
        assert asked.headers["Authorization"] == f"Bearer {token}"
        if ends == "refused":
            return Said(
                {"resourceType": "OperationOutcome", "issue": [{"diagnostics": family}]}, 400
            )
        return Said(bundle(given, total=1))

    practice = Practice(sqlite_record, clock, tmp_path)
    (tmp_path / "patients.sql").write_text("SELECT 1 AS a")
    with standing_in(answer) as there:
        sources = {
            "record": {"type": "fhir", "url": there.url, "token": token, "kinds": ["patients"]},
            "warehouse": {
                "type": "sql", "url": f"postgresql://u:{password}@db.invalid/w", "queries": str(tmp_path)
            },
        }  # fmt: skip
        settings = Settings.model_validate({"sources": sources})
        practice.settings = practice.settings.model_copy(update={"sources": settings.sources})
        parts = parts_of(practice)
        use(parts)
        try:
            run = shown(sync(SyncRequest(), return_state=True))
        finally:
            use(None)
            parts.worker.close()
    assert run.state == "Failed"  # the database is asked without TLS by nobody
    with sqlite_record.read() as connection:
        names = connection.scalars(sa.select(patient.c.family_name)).all()
    assert (family in names) == (ends == "imported")
    words = [number, family, key, token, password]
    assert find_in_prefect(prefect_server.home, words) == []
    printed = "".join(capfd.readouterr())
    assert [word for word in words if word in printed] == []
    assert not [
        path
        for path in (tmp_path / "sources").rglob("*")
        if path.is_file() and path.name != ".lock"
    ]
