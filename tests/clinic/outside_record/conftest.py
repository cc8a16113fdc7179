"""One FHIR server for all tests of this folder: each record has identifiers of its own there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import jwt
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec

from clinic.fhir.client import FhirClient, FixedToken, Token
from clinic.outside_record.save import Saved, Saver
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.systems.outside_record import outside_item
from clinic.settings import OutsideRecord
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs
from tests.servers.fhir import FhirServer, running_fhir

THERE = 8  # patients 1 to 8 are on the other side too
TOKEN = "secret-token"
KEY = ec.generate_private_key(ec.SECP384R1())
CLIENT = "cohort-tests"


@pytest.fixture(scope="session")
def fhir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirServer]:
    """A server that knows the first patients, and lets nobody in who has no token."""
    public = jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    auth = {
        "types": ["bearer", "smart"],
        "tokens": [TOKEN],
        "smart_clients": [{"client_id": CLIENT, "jwks": {"keys": [public]}}],
    }
    with running_fhir(tmp_path_factory.mktemp("fhir"), auth) as server:
        server.patients({n: nhs(n) for n in range(1, THERE + 1)})
        yield server


@dataclass
class Outside:
    """A practice and its record outside."""

    practice: Practice
    server: FhirServer
    settings: dict[str, Any] = field(default_factory=dict)
    clients: list[FhirClient] = field(default_factory=list)

    @property
    def install_id(self) -> str:
        return install(self.practice.record, self.practice.clock)

    def saver(
        self, url: str = "", *, owner: str = "me", client: Any = None, token: Token | None = None
    ) -> Saver:
        """One that saves to this address; the server's own if none is given."""
        own = OutsideRecord(
            fhir_url=url or self.server.url, save_from=date(2026, 1, 1),
            **{"timeout_seconds": 10, **self.settings},
        )  # fmt: skip
        if client is None:
            token = token or FixedToken(TOKEN)
            client = FhirClient(own.fhir_url, token, timeout_seconds=10)
            self.clients.append(client)
        return Saver(
            self.practice.record, self.practice.clock, client, own,
            install_id=self.install_id, owner=owner,
        )  # fmt: skip

    def save(self, url: str = "") -> Saved:
        return self.saver(url).run()

    def items(self) -> list[Any]:
        with self.practice.record.read() as connection:
            return list(connection.execute(sa.select(outside_item).order_by(outside_item.c.id)))

    def there(self, kind: str = "Communication") -> list[dict[str, Any]]:
        """What the server has of this record."""
        system = f"urn:uuid:{self.install_id}"
        found = self.server.ask(kind, identifier=f"{system}|", _count="1000")
        return [entry["resource"] for entry in found.get("entry", ())]


@pytest.fixture
def outside_of(
    record: Record, clock: FakeClock, fhir: FhirServer, tmp_path: Path
) -> Iterator[Callable[..., Outside]]:
    """A practice with so many patients who were all messaged, on either database."""
    with made_of(record, clock, fhir, tmp_path) as make:
        yield make


@pytest.fixture
def outside_here(
    sqlite_record: Record, clock: FakeClock, fhir: FhirServer, tmp_path: Path
) -> Iterator[Callable[..., Outside]]:
    """The same on SQLite, for what is between us and the server."""
    with made_of(sqlite_record, clock, fhir, tmp_path) as make:
        yield make


@contextmanager
def made_of(
    record: Record, clock: FakeClock, fhir: FhirServer, folder: Path
) -> Iterator[Callable[..., Outside]]:
    """Makes practices, and closes what they opened."""
    made: list[Outside] = []

    def make(patients: int, **request: Any) -> Outside:
        practice = Practice(record, clock, folder)
        practice.patients(patients)
        practice.run(practice.everybody(patients), **request)
        made.append(Outside(practice, fhir))
        return made[-1]

    yield make
    for one in made:
        for client in one.clients:
            client.close()
