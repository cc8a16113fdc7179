"""
What the record has from a source that says it has all opt-outs: those that are not in its file are withdrawn.

Only what this source's own imports added, never what another source, staff or the patient said: a withdrawn
opt-out is deleted, so that nothing is lifted that somebody else decided; the journal keeps it.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.imports.consents.reading import OUT
from clinic.imports.journal import NOTED_BY_IMPORTS, Journal
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.imports.same import forget_kind
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import consent
from clinic.record.schema.systems.imports import import_added, import_run

# Of whom such rows are nobody knows
_UNSURE: Final = (
    "unreadable_row",
    "ids_differ",
    "id_of_nobody",
    "ids_of_two",
    "nhs_number_invalid",
    "nhs_number_missing",
)
_ROW: Final = tuple(str(column.name) for column in consent.c if column.name != "id")
ROW: Final = "row"  # the field of a change by which a whole row was taken out

Key = tuple[int, str, str]


class Held:
    """The source's opt-outs that the record has, and those that its file has; none where it is not complete."""

    def __init__(self, record: Record, options: Options) -> None:
        self._complete = options.complete
        self._rows: dict[int, Key] = {}
        self._seen: set[Key] = set()
        self._unclear: set[int] = set()
        if self._complete is None:
            return
        run, added, c = import_run.c, import_added.c, consent.c
        query = (
            sa.select(c.id, c.patient_id, c.channel, c.purpose)
            .join(import_added, (added.table_name == "consent") & c.id.between(added.first_id, added.last_id))
            .join(import_run, run.id == added.import_id)
            .where(
                run.source == options.source, run.kind == "consents", c.decision == OUT,
                c.source.in_(NOTED_BY_IMPORTS),
            )
        )  # fmt: skip
        with record.read() as connection:
            self._rows = {row[0]: (row[1], row[2], row[3]) for row in connection.execute(query)}

    def saw(self, said: pd.DataFrame, result: Imported) -> None:
        """What a block of the file says of patients who are here."""
        if self._complete is None or said.empty:
            return
        out = said[(said["decision"] == OUT) & said["fault"].isin(["", "widened"])]
        keys = (out[name].tolist() for name in ("patient_id", "channel", "purpose"))
        self._seen.update(zip(*keys, strict=True))
        doubtful = said.loc[said["fault"] == "decision_unclear", "patient_id"]
        self._unclear.update(int(key) for key in doubtful)

    def gone(self) -> list[int]:
        """The source's opt-outs that the file does not have. Who has a row that says neither keeps theirs."""
        return sorted(
            key
            for key, one in self._rows.items()
            if one not in self._seen and one[0] not in self._unclear
        )

    def why_not(self, result: Imported) -> str:
        """Why none of them is withdrawn; "" where they are, or where there is none."""
        gone, all_of = len(self.gone()), len(self._rows)
        if self._complete is None or not gone:
            return ""
        lacks = f"the file lacks {gone:,} of the {all_of:,} opt-outs that this source had"
        if unclear := sum(result.counts[code] for code in _UNSURE):
            return (
                f"{lacks}, and {unclear:,} of its rows may be of anybody: none was withdrawn. Put these rows "
                "right, and import the file again"
            )
        if gone > self._complete.most * all_of:
            return (
                f"{lacks}, more than {self._complete.most:.0%}: none was withdrawn. Is the file whole? If "
                "it is, give a larger share: --most-gone"
            )
        return ""

    def withdraw(self, record: Record, journal: Journal) -> None:
        """Delete them; the journal has them as they were."""
        if not (ids := self.gone()):
            return
        with record.write() as connection:
            take_out(connection, journal, ids)
            forget_kind(connection, "consents")  # what rows said is no more what the record has


def take_out(connection: Connection, journal: Journal, ids: list[int]) -> None:
    """Delete these decisions; the journal has them as they were, so that they can be put back."""
    query = sa.select(consent).where(is_any_of(consent.c.id, ids))
    rows = [
        (journal.import_id, consent.name, row["id"], ROW, row["patient_id"], _packed(row), None)
        for row in connection.execute(query).mappings()
    ]
    journal.note(connection, rows)
    connection.execute(sa.delete(consent).where(is_any_of(consent.c.id, ids)))


def _packed(row: Any) -> str:
    return orjson.dumps({name: row[name] for name in _ROW}).decode()
