"""A record whose audit trail has its key, and the people of a small practice."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.govern.audit.key import unlock
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import Role
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from tests.fakes import FakeClock, quick_hash

SECRET = "correct horse battery staple"

PEOPLE: dict[str, Role] = {
    "root": "admin",
    "ann": "operator",
    "tim": "team_lead",
    "mia": "manager",
    "max": "manager",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the installation keeps its files."""
    return tmp_path / "home"


@pytest.fixture
def governed(record: Record, home: Path) -> Record:
    """A record on either database whose trail is sealed with a key."""
    return unlock(record, home)


@pytest.fixture
def people(governed: Record, clock: FakeClock) -> dict[str, Operator]:
    """root (admin), ann (operator), tim (team lead), mia and max (managers); their secret is SECRET."""
    with governed.write() as connection:
        connection.execute(
            operator.insert(),
            [
                {
                    "name": name,
                    "role": role,
                    "secret_hash": quick_hash(SECRET),
                    "created_at": clock.now(),
                    "created_by": "root",
                }
                for name, role in PEOPLE.items()
            ],
        )
    return {name: Operator(name, role, active=True) for name, role in PEOPLE.items()}
