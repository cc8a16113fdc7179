"""
Whom a reference is of: Patient/17 → NHS number and own id, looked up a page at a time.

In a file of SQLite in the private folder, so that memory stays flat whatever the number of patients.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from clinic.settings.systems.outside_record import NHS_NUMBER_SYSTEM

_PART: Final = 500
Who = tuple[str, str]  # NHS number, own id


def ids_of(patient: dict[str, Any], own_system: str) -> Who:
    """
    The ids of a Patient: its NHS number, and its value of the practice's own system; without both, the
    server's id is its own id.
    """
    nhs = own = ""
    given = patient.get("identifier")
    for each in given if isinstance(given, list) else ():
        value = each.get("value") if isinstance(each, dict) else None
        if not isinstance(value, str) or each.get("use") == "old":
            continue
        if each.get("system") == NHS_NUMBER_SYSTEM:
            nhs = nhs or value.strip()
        elif own_system and each.get("system") == own_system:
            own = own or value.strip()
    return nhs, own or ("" if nhs else str(patient.get("id", "")))


class Seen:
    """What was seen of a fetch: ids of resources, and who patients are."""

    def __init__(self, folder: Path) -> None:
        self._base = sqlite3.connect(folder / "seen.db", isolation_level=None)
        self._base.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
            "CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID;"
            "CREATE TABLE who (id TEXT PRIMARY KEY, nhs TEXT, local TEXT) WITHOUT ROWID;"
        )

    def new(self, ids: Sequence[str]) -> list[bool]:
        """Of each id, whether it was not seen before."""
        found: list[bool] = []
        self._base.execute("BEGIN")
        for each in ids:
            done = self._base.execute("INSERT OR IGNORE INTO seen VALUES (?)", (each,))
            found.append(done.rowcount == 1)
        self._base.execute("COMMIT")
        return found

    def know(self, people: Iterable[tuple[str, Who]]) -> None:
        """Remember who patients of these ids are."""
        rows = [(key, *who) for key, who in people]
        self._base.execute("BEGIN")
        self._base.executemany("INSERT OR REPLACE INTO who VALUES (?, ?, ?)", rows)
        self._base.execute("COMMIT")

    def whose(self, ids: Iterable[str]) -> dict[str, Who]:
        """Of those that are known, who they are."""
        asked = sorted({each for each in ids if each})
        found: dict[str, Who] = {}
        for first in range(0, len(asked), _PART):
            part = asked[first : first + _PART]
            marks = ",".join("?" * len(part))
            query = f"SELECT id, nhs, local FROM who WHERE id IN ({marks})"  # noqa: S608  # marks alone
            found |= {key: (nhs, own) for key, nhs, own in self._base.execute(query, part)}
        return found

    def close(self) -> None:
        """Close the file; its folder is removed with all that was fetched."""
        self._base.close()
