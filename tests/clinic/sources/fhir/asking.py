"""A FHIR source of a test, and what it fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clinic.cohort.files.limits import Limits
from clinic.cohort.files.parquet import open_parquet
from clinic.settings import ImportKind, SourceSettings
from clinic.sources.fhir.source import FhirSource
from clinic.sources.source import Fetched
from clinic.sources.staging import staging
from tests.fakes import FakeClock

APPOINTMENT = {
    "resourceType": "Appointment", "id": "a1", "status": "booked", "start": "2026-03-03T09:00:00+00:00",
    "minutesDuration": 10, "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
}  # fmt: skip
PATIENT = {
    "resourceType": "Patient", "id": "p1",
    "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}],
}  # fmt: skip


def fhir(url: str, clock: FakeClock | None = None, **given: Any) -> FhirSource:
    """The source of a server at this address."""
    values = {"type": "fhir", "url": url, "kinds": ["patients", "appointments"]} | given
    settings = SourceSettings.model_validate(values)
    return FhirSource("record", settings, clock or FakeClock(), "Europe/London")


def fetched(
    source: FhirSource, kind: ImportKind, home: Path
) -> tuple[Fetched, list[dict[str, str]]]:
    """What is fetched of a kind, and its rows by heading."""
    with staging(home, source.name) as into:
        (found,) = source.fetch(kind, into)
        assert [path.name for path in into.iterdir()] == [found.path.name]
        table = open_parquet(found.path, Limits())
        cells = [row for page in table.pages(100) for row in page.rows]
    rows = [dict(zip(table.columns, row, strict=True)) for row in cells]
    return found, rows


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    """A search's answer."""
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": each} for each in resources],
        **more,
    }
