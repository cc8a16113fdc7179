"""
Where an import puts patients: at facilities and with providers that are here, by what the file calls them.

Only patients who have none yet: who has one is moved by an operation, which is reviewed and approved
(ALC-3, ALC-4), and not by a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.schema.people import facility, provider

# Our column → the fields of a list that name it, the surer first
NAMED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "facility_id": ("facility", "organisation_code"),
    "provider_id": ("provider", "usual_gp"),
}
_TABLES: Final = {"facility_id": facility, "provider_id": provider}


@dataclass
class Belonging:
    """
    The open facilities and providers of a record, and what an import met that it could not use.

    unknown: our column → what the file calls it → rows; stayed: rows of patients who belong elsewhere
    """

    ids: Mapping[str, Mapping[str, int]]
    unknown: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in NAMED_BY}
    )
    stayed: int = 0

    @classmethod
    def of(cls, connection: Connection) -> Belonging:
        """As the record has them now; by code, and by a name that only one has."""
        return cls({name: _by_word(connection, table) for name, table in _TABLES.items()})

    def find(self, name: str, words: pd.Series) -> pd.Series:
        """The ids that a column of codes or names means; None where it is empty or nobody here is called so."""
        known = self.ids[name]
        found = pd.Series([known.get(word.casefold()) for word in words], words.index, dtype=object)
        strange = words[found.isna() & (words != "")]
        self.unknown[name].update(strange.tolist())
        return found

    def keep(self, before: pd.DataFrame, after: pd.DataFrame) -> None:
        """Let everybody in `after` stay where they are in `before`, if they are anywhere."""
        stays = pd.Series(False, before.index)
        for name in NAMED_BY:
            here = before[name].notna()
            stays |= here & after[name].notna() & (before[name] != after[name])
            after[name] = after[name].where(~here, before[name])
        self.stayed += int(stays.sum())


def _by_word(connection: Connection, table: sa.Table) -> dict[str, int]:
    rows = connection.execute(
        sa.select(table.c.id, table.c.code, table.c.name).where(table.c.active)
    )
    ids: dict[str, int] = {}
    names: dict[str, set[int]] = {}
    for key, code, name in rows:
        ids[code.casefold()] = key
        names.setdefault(name.casefold(), set()).add(key)
    # A code means its own, whoever has it for a name
    return {name: keys.pop() for name, keys in names.items() if len(keys) == 1} | ids
