"""Issue 16: from a real FHIR server, page by page, and imported: what is there is in the record, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.record.database import Record
from clinic.record.schema.people import appointment, patient
from clinic.settings import ImportKind
from clinic.sources.fhir.rows.parts import Context
from clinic.sources.fhir.rows.readers import READERS
from clinic.sources.staging import staging
from tests.clinic.sources.fhir.asking import fetched, fhir
from tests.fakes import FakeClock
from tests.servers.fhir import FhirServer, running_fhir

# Public input of the Personal Demographics Service and of UK Core, where it is laid beside the checkout
DATA = next(
    (found for up in Path(__file__).parents if (found := up / "shared" / "data").is_dir()), None
)
NUMBERS = {n: str(number) for n, number in enumerate((9990000018, 9990000026, 9990000034), 1)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirServer]:
    with running_fhir(tmp_path_factory.mktemp("fhir")) as there:
        there.patients(NUMBERS)
        for key in NUMBERS:
            booked = {
                "resourceType": "Appointment", "id": f"a{key}", "status": "booked", "minutesDuration": 10,
                "start": f"2026-03-03T09:{key:02}:00+00:00", "end": "2026-03-03T10:00:00+00:00",
                "participant": [{"actor": {"reference": f"Patient/p{key}"}, "status": "accepted"}],
            }  # fmt: skip
            there.tell("PUT", f"Appointment/a{key}", booked)
        yield there


def test_what_the_server_has_is_in_the_record_and_again_changes_nothing(
    record: Record, server: FhirServer, tmp_path: Path
) -> None:
    """Bars of issue 16: from the server to the changed record."""
    clock = FakeClock()
    source = fhir(server.url, clock, page_size=2)
    outcomes = []
    for kind in (*source.kinds(), *source.kinds()):
        with staging(tmp_path, "record") as into:
            (found,) = source.fetch(kind, into)
            opened = open_file(kind, found.path)
            done = run_import(record, clock, kind, opened, Options(by="nia", source="record"))
        outcomes.append((kind, dict(done.counts)))
    assert outcomes == [
        ("patients", {"added": 3}), ("appointments", {"added": 3}),
        ("patients", {"unchanged": 3}), ("appointments", {"unchanged": 3}),
    ]  # fmt: skip
    with record.read() as connection:
        rows = connection.execute(
            sa.select(patient.c.nhs_number, appointment.c.status, appointment.c.minutes)
            .join(appointment, appointment.c.patient_id == patient.c.id)
            .order_by(patient.c.nhs_number)
        ).all()
    assert [tuple(row) for row in rows] == [
        (number, "booked", 10) for number in sorted(NUMBERS.values())
    ]


def test_a_check_says_what_the_server_counts(server: FhirServer) -> None:
    answer = fhir(server.url).check("appointments")
    assert (answer.rows, answer.problem) == (3, "")
    assert answer.newest is not None


@pytest.mark.parametrize("kind", ["patients", "appointments"])
def test_an_export_gives_what_a_search_gives(
    server: FhirServer, tmp_path: Path, kind: ImportKind
) -> None:
    _, by_search = fetched(fhir(server.url), kind, tmp_path / "one")
    _, by_export = fetched(fhir(server.url, bulk=True), kind, tmp_path / "two")
    assert len(by_search) == 3
    assert sorted(by_export, key=str) == sorted(by_search, key=str)


@pytest.mark.skipif(DATA is None, reason="the public examples are not beside this checkout")
def test_patients_of_the_demographics_service_are_read() -> None:
    """Three are dead, one is sensitive: it has no address and no number, and none is made up."""
    rows = {}
    for path in sorted(((DATA or Path()) / "pds-patients").glob("*.json")):
        found = READERS["patients"].read(
            json.loads(path.read_text()), Context("", date(2026, 3, 2))
        )
        assert not isinstance(found, str), path.name
        rows[path.name] = dict(zip(READERS["patients"].columns, found[0], strict=True))
    assert len(rows) >= 15
    assert all(len(row["NHS Number"]) == 10 and row["Local ID"] == "" for row in rows.values())
    assert rows["patient_9000000009.json"]["Date of Death"] == "2010-10-22"
    sensitive = rows["Sensitive_Patient.json"]
    assert {
        sensitive[name] for name in ("Address", "Postcode", "Mobile", "Home Phone", "Email")
    } == {""}


@pytest.mark.skipif(DATA is None, reason="the public examples are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        (
            "Appointment-OrthopaedicSurgery", "appointments",
            {"NHS Number": "9990000018", "Status": "booked", "Duration Minutes": "154", "Mode": "In person",
             "Start": "2022-03-11T10:46:00Z", "Facility Code": "UKCore-Location-HospitalSJUH-Example"},
        ),
        (
            "Patient-RichardSmith", "patients",
            {"NHS Number": "9912003888", "Family Name": "SMITH", "Date of Birth": "1970-09-11", "Mobile": "",
             "Home Phone": "01131231234", "Postcode": "LS17 7DF"},
        ),
        ("Consent-ForInformationAccess", "consents", "not about being contacted"),
    ],
)  # fmt: skip
def test_examples_of_uk_core_are_read(
    name: str, kind: ImportKind, says: dict[str, str] | str
) -> None:
    """They are XML: the library that the test server brings makes JSON of it."""
    model = import_module(f"fhir.resources.R4B.{name.partition('-')[0].lower()}")
    path = (DATA or Path()) / "ukcore-examples" / f"UKCore-{name}-Example.xml"
    example = getattr(model, name.partition("-")[0]).model_validate_xml(path.read_bytes())
    known = {"UKCore-Patient-RichardSmith-Example": ("9990000018", "")}
    context = Context("", date(2026, 3, 2), known)
    found = READERS[kind].read(json.loads(example.model_dump_json()), context)
    if isinstance(found, str):
        assert found == says
        return
    row = dict(zip(READERS[kind].columns, found[0], strict=True))
    assert {heading: row[heading] for heading in says} == says
