"""The people of a practice, added as an admin adds them but for how slowly their passwords are hashed."""

from __future__ import annotations

from collections.abc import Mapping

from clinic.clock import Clock
from clinic.govern.people.operators import add_operator
from clinic.govern.people.roles import Role
from clinic.record.database import Record
from tests.fakes import quick_hash


def add_staff(record: Record, clock: Clock, roles: Mapping[str, Role], *, secret: str) -> None:
    """By name, the first one an admin who adds them all; each has this secret."""
    admin = next(iter(roles))
    for name, role in roles.items():
        add_operator(
            record, clock, name=name, role=role, secret=secret, by=admin, hashing=quick_hash
        )
