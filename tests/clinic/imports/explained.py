"""No silent change: each difference of the record, before and after an import, is counted by it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.record.schema.people import appointment, consent, patient

_TABLES = {"patients": patient, "appointments": appointment, "consents": consent}
# Outcomes, and other counts, of which each stands for one new row, or for one that is otherwise now
_NEW = {
    "patients": ("added",),
    "appointments": ("added", "booked_again"),
    "consents": ("opt_out", "opt_in"),
}
_OTHER = {
    "patients": ("changed", "moved"),
    "appointments": ("moved", "changed", "cancelled", "given_to_another", "no_longer_there",
                     "replaced", "moved_away"),
    "consents": (),
}  # fmt: skip

Rows = dict[str, dict[int, tuple[Any, ...]]]


def count_on(record: Record) -> None:
    """Let PostgreSQL number further patients after those that a test gave their ids."""
    if record.engine.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence("patient", "id")
        with record.write() as connection:
            connection.execute(sa.select(sa.func.setval(sequence, sa.func.max(patient.c.id))))


def rows_of(record: Record) -> Rows:
    """All patients, appointments and decisions, by their ids."""
    with record.read() as connection:
        return {
            kind: {row.id: tuple(row) for row in connection.execute(sa.select(table))}
            for kind, table in _TABLES.items()
        }


def assert_explained(kind: str, before: Rows, after: Rows, result: Imported) -> None:
    """
    As many rows are new, and as many are otherwise, as were counted; none is gone, and no other table changed.

    And every row of the file ended with one outcome.
    """
    assert sum(result.counts.values()) == result.rows
    counted = result.counts + result.also
    for name in _TABLES:
        old, now = before[name], after[name]
        assert old.keys() <= now.keys()
        new = len(now.keys() - old.keys())
        other = sum(old[key] != now[key] for key in old)
        expected = (0, 0)
        if name == kind:
            expected = (sum(counted[c] for c in _NEW[name]), sum(counted[c] for c in _OTHER[name]))
        assert (new, other) == expected, (name, dict(counted))
