"""What an import did, what the audit trail holds of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from clinic.clock import Clock
from clinic.cohort.files import Block, ListFile
from clinic.govern.audit.trail import Act, record_act
from clinic.record.database import Record
from clinic.values.organisations import foreign_codes

MOST_LISTED: Final = 10_000
OTHER_ORGANISATION: Final = (
    "The row is of an organisation whose patients this installation may not hold (organisation.codes): nothing "
    "of it is taken."
)


@dataclass
class Imported:
    """
    What an import did, or would do.

    counts: rows by outcome, adding up to the file's rows
    also: what came of them besides, by kind: opt-outs, consents, appointments cancelled for what others say
    problems: row number and code of rows that need a look, the first 10,000
    unused: headings that an import of this kind does not use; filled: how many cells of each say something
    refused: why a part of it that was asked for is not done; "" where all is
    number: of the import, by which it can be put back; None: a dry run
    changed: it added or changed something, so that there is something to put back
    again_at: when the first of its rows that lie ahead says something else; None: none does
    """

    rows: int
    counts: Counter[str] = field(default_factory=Counter)
    also: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[int, str]] = field(default_factory=list)
    unused: tuple[str, ...] = ()
    filled: Counter[str] = field(default_factory=Counter)
    refused: str = ""
    number: int | None = None
    changed: bool = False
    again_at: datetime | None = None

    @classmethod
    def of(cls, file: ListFile) -> Imported:
        """Of a file of which nothing was done yet."""
        used = set(file.fields.values())
        return cls(file.row_count, unused=tuple(each for each in file.columns if each not in used))

    def pass_by(self, block: Block) -> None:
        """Count the cells of a block's columns that are not used."""
        for name in self.unused:
            self.filled[name] += int((block.frame[name] != "").sum())

    def note(self, outcomes: pd.Series[str], problems: frozenset[str]) -> None:
        """Count a block's outcomes, by row number; `problems`: those that need a look."""
        self.counts.update(outcomes.tolist())
        for row, code in outcomes[outcomes.isin(problems)].items():
            if len(self.problems) < MOST_LISTED:
                self.problems.append((int(str(row)), str(code)))


def fault_of(given: pd.DataFrame, unreadable: np.ndarray, codes: Collection[str]) -> pd.Series[str]:
    """
    Why a row is not read at all: `unreadable_row`, or `other_organisation`, whose patients this installation
    may not hold; "" where it is.

    Args:
        codes: the organisations that it may hold (organisation.codes); none: all
    """
    fault = pd.Series("", given.index, dtype=object)
    if "organisation" in given:
        fault[foreign_codes(given["organisation"], codes)] = "other_organisation"
    fault[pd.Series(unreadable, given.index, dtype=bool)] = "unreadable_row"
    return fault


def tell(
    record: Record, clock: Clock, what: str, file: ListFile, by: str, result: Imported | None = None,
    *, patients: int = 0,
) -> None:  # fmt: skip
    """Put on the trail that an import begins, or how it ended: digest and counts, no value (NEW-10)."""
    counts = {**result.counts, **result.also} if result else {}
    act = Act(
        operator=by,
        operation_type=f"{what}.{'imported' if result else 'import-begun'}",
        subject="patients",
        patients_affected=patients,
        new_values={"sha256": file.sha256, "size": file.size, "layout": file.layout, **counts},
    )
    with record.write() as connection:
        record_act(connection, clock, act)
