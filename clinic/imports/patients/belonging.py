"""
Where an import puts patients: at facilities and with providers that are here, by what the file calls them.

Only patients who have none yet: who has one is moved by an operation, which is reviewed and approved
(ALC-3, ALC-4), and not by a file. One installation holds one controller's patients: a row of another
organisation is refused (`other_organisation`), and one by which another facility would change a patient of
ours is listed (`facility_differs`): whose data are right, people find out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.schema.people import facility, provider
from clinic.values.organisations import foreign_codes

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
    codes: organisations that this installation may hold; none: all; foreign: others → rows
    """

    ids: Mapping[str, Mapping[str, int]]
    unknown: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in NAMED_BY}
    )
    stayed: int = 0
    codes: frozenset[str] = frozenset()
    foreign: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, connection: Connection, codes: Iterable[str] = ()) -> Belonging:
        """As the record has them now; by code, and by a name that only one has."""
        ids = {name: _by_word(connection, table) for name, table in _TABLES.items()}
        return cls(ids, codes=frozenset(codes))

    def is_foreign(self, words: pd.Series) -> pd.Series:
        """Which rows name an organisation that this installation may not hold."""
        foreign = foreign_codes(words, self.codes)
        self.foreign.update(words[foreign].tolist())
        return foreign

    def differs(self, before: pd.DataFrame, given: pd.DataFrame, same: pd.Series) -> pd.Series:
        """
        Which rows another facility than the patient's would change.

        Args:
            before: as the record has the patient; given: as the row has them, same index
            same: the row changes nothing
        """
        here, there = before["facility_id"], given["facility_id"]
        return here.notna() & there.notna() & (here != there) & ~same

    def find(self, name: str, words: pd.Series) -> pd.Series:
        """The ids that a column of codes or names means; None where it is empty or nobody here is called so."""
        known = self.ids[name]
        codes, distinct = pd.factorize(words)  # many patients, few places
        ids = np.array([known.get(str(word).casefold()) for word in distinct], dtype=object)
        found = pd.Series(ids[codes], words.index, dtype=object)
        strange = words[found.isna() & (words != "")]
        self.unknown[name].update(strange.tolist())
        return found

    def keep(
        self, before: pd.DataFrame, after: pd.DataFrame, *, moves: bool = False
    ) -> pd.Series[bool]:
        """
        Let everybody in `after` stay where they are in `before`, if they are anywhere.

        moves: not so from a source that owns its columns; who is at another facility then is told
        """
        stays = pd.Series(False, before.index)
        moved = pd.Series(False, before.index)
        for name in NAMED_BY:
            here = before[name].notna()
            other = here & after[name].notna() & (before[name] != after[name])
            if moves:
                moved |= other & (name == "facility_id")
            else:
                stays |= other
                after[name] = after[name].where(~here, before[name])
        self.stayed += int(stays.sum())
        return moved


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
