"""
Consents that have an end, or have ended: their imports are taken back, so that an older opt-out holds again.

    the file says       a consent by this channel, for this purpose, of this day, has an end
    taken back          what its imports noted so, of that day or before; who consented later has consented

Only what this source's own imports noted, never what another source, staff or the patient said; the journal
keeps each row. The whole file is looked through for them, and they are taken back, before anything of it is
noted: so the order of its rows decides nothing, and a consent whose end stands in another row is not noted, not
even until that row is read. An end whose ids disagree counts for everybody whom it may be of, as an opt-out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.files import ListFile
from clinic.imports.consents.held import take_out
from clinic.imports.consents.reading import ENDED, IN, KIND, is_over, read_decisions
from clinic.imports.formats import cells_of
from clinic.imports.journal import NOTED_BY_IMPORTS, Journal
from clinic.imports.left import has_left
from clinic.imports.options import Options
from clinic.imports.result import fault_of
from clinic.imports.same import forget_elsewhere
from clinic.imports.who import find_patients
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import consent
from clinic.record.schema.systems.imports import import_added, import_run
from clinic.record.systems.sync_runs import forget_marks
from clinic.values.dates import Order

_BLOCK: Final = 10_000

_ALL: Final = ("", "")  # where channel or purpose is not understood

_MAY_SAY: Final = {
    "ends",
    "deleted",
    "decision",
    *(n for n in KIND.columns if n.endswith("_consent")),
}

Of = tuple[str, str]  # channel and purpose


class Ended:
    """Those of a file, by patient; of each what has ended, and up to when."""

    def __init__(self) -> None:
        self._until: dict[int, dict[Of, datetime]] = {}

    @classmethod
    def of(
        cls, record: Record, file: ListFile, options: Options, *, now: datetime, order: Order
    ) -> Ended:
        """
        Those that any row of an opened file has.

        Raises:
            ListRefused: the file changed while it was read
        """
        found = cls()
        if not file.fields.keys() & _MAY_SAY:
            return found
        for block in file.blocks():
            given = cells_of(block, file, KIND, options.how)
            taken = fault_of(given, block.unreadable, options.codes) == ""
            rows = given[(taken & _may_be_over(given)).to_numpy(dtype=bool)]
            if rows.empty:
                continue
            said = read_decisions(rows, now=now, zone=options.time_zone, order=order)
            with record.read() as connection:
                who = find_patients(connection, rows["nhs_number"], rows["local_id"])
            for name in ("patient_id", "other_id"):
                ids = who[name].reindex(said["row"]).array
                found._saw(said.assign(patient_id=ids).dropna(subset=["patient_id"]), now)
        return found

    def _saw(self, said: pd.DataFrame, now: datetime) -> None:
        over = said[said["decision"] == ENDED]
        columns = ["patient_id", "channel", "purpose", "unclear", "decided_at"]
        for patient, channel, purpose, unclear, at in over[columns].itertuples(index=False):
            which = _ALL if unclear else (channel, purpose)
            until = now if pd.isna(at) else at.to_pydatetime()
            known = self._until.setdefault(int(patient), {})
            known[which] = max(until, known.get(which, until))

    def are_over(self, said: pd.DataFrame) -> pd.Series[bool]:
        """Which of these are consents that are over by another row of the file."""
        given = (said["decision"] == IN) & said["patient_id"].isin(list(self._until))
        columns = ["patient_id", "channel", "purpose", "decided_at"]
        rows = said.loc[given & said["decided_at"].notna(), columns].itertuples()
        over = [
            place
            for place, patient, channel, purpose, at in rows
            if self._is_over(int(patient), (channel, purpose), at.to_pydatetime())
        ]
        return pd.Series(said.index.isin(over), said.index)

    def take_back(self, record: Record, journal: Journal, options: Options) -> int:
        """Take back what this source's imports noted of them; how many. Of a dry run: how many it would be."""
        taken = 0
        patients = sorted(self._until)
        for first in range(0, len(patients), _BLOCK):
            with record.write(keep=not options.check) as connection:
                found = self._noted(connection, options.source, patients[first : first + _BLOCK])
                take_out(connection, journal, [row.id for row in found])
                # What other sources say of them was known already, and is not any more
                if whose := sorted({row.patient_id for row in found}):
                    forget_elsewhere(connection, "consents", options.source, whose)
                    forget_marks(connection, "consents", but=options.source)
                taken += len(found)
        return taken

    def _noted(self, connection: Connection, source: str, patients: list[int]) -> list[Any]:
        """Those that no import is known to have noted belong to every source."""
        c, run, added = consent.c, import_run.c, import_added.c
        noted = (added.table_name == consent.name) & c.id.between(added.first_id, added.last_id)
        query = (
            sa.select(c.id, c.patient_id, c.channel, c.purpose, c.decided_at)
            .distinct()
            .select_from(
                consent.outerjoin(import_added, noted).outerjoin(
                    import_run, run.id == added.import_id
                )
            )
            .where(
                is_any_of(c.patient_id, patients),
                c.decision == IN,
                c.source.in_(NOTED_BY_IMPORTS),
                sa.or_(run.id.is_(None), run.source == source),
            )
            .order_by(c.id)
        )
        return [
            row
            for row in connection.execute(query)
            if self._is_over(row.patient_id, (row.channel, row.purpose), row.decided_at)
        ]

    def _is_over(self, patient: int, which: Of, at: datetime) -> bool:
        known = self._until.get(patient, {})
        return any(each in known and at <= known[each] for each in (which, _ALL))


def _may_be_over(given: pd.DataFrame) -> pd.Series[bool]:
    """Which rows may have a consent that is over; to be read."""
    found = has_left(given)
    if "ends" in given:
        found |= given["ends"] != ""
    for name in _MAY_SAY - {"ends", "deleted"}:
        if name in given:
            said = {text for text in given[name].unique().tolist() if is_over(text)}
            found |= given[name].isin(list(said))
    return found
