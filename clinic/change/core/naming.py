"""
What people read where items and the audit trail keep keys: a facility's, provider's and tag's code and name.

What is stored stays the key, which no renaming changes. Only places, staff and tags are looked up here:
a patient's own values are shown as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Table

from clinic.record.schema.people import facility, provider, tag

_KEYS: Final[Mapping[str, Table]] = {
    "facility": facility,
    "provider": provider,
    "visit_facility": facility,
    "visit_provider": provider,
}
_YES_NO: Final = {"1": "yes", "0": "no"}


@dataclass(frozen=True)
class Names:
    """Key → "F1 North", by table; read once for all lines that are shown."""

    by_table: Mapping[Table, Mapping[str, str]]

    def value(self, field: str, value: str | None) -> str | None:
        """An item's old or new value as people read it."""
        if value is None:
            return None
        if field == "tag":
            return _YES_NO.get(value, value)
        table = _KEYS.get(field)
        return value if table is None else self._of(table, value)

    def field(self, name: str, subject: int | str | None) -> str:
        """What was changed: "provider", "tag welsh"; of a visit's key nobody reads anything."""
        if name != "tag" or not subject:
            return name
        return f"tag {self._of(tag, str(subject))}"

    def values(self, stored: str | None) -> str:
        """An audit item's JSON object, `{"provider":"3"}`, as people read it: `provider: P3 Dr 3`."""
        if stored is None:
            return ""
        told: dict[str, str | None] = orjson.loads(stored)
        return "; ".join(self._pair(key, value) for key, value in told.items())

    def _pair(self, key: str, value: str | None) -> str:
        name, _, subject = key.partition(":")
        shown = self.value(name, value)
        return f"{self.field(name, subject)}: {'none' if shown is None else shown}"

    def _of(self, table: Table, key: str) -> str:
        # A key that nobody has any more is told as it is
        return self.by_table[table].get(key, key)


def read_names(connection: Connection) -> Names:
    """Every facility, provider and tag of the practice: some hundreds of rows."""
    return Names({table: _read(connection, table) for table in (facility, provider, tag)})


def _read(connection: Connection, table: Table) -> dict[str, str]:
    rows = connection.execute(sa.select(table.c.id, table.c.code, table.c.name)).tuples()
    return {str(key): code if code == name else f"{code} {name}" for key, code, name in rows}
