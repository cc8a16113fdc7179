"""
Consents that have an end, or have ended: their imports are taken back, so that an older opt-out holds again.

    the file says       a consent by this channel, for this purpose, of this day, has an end
    taken back          what its imports noted so, of that day or before; who consented later has consented

Only what this source's own imports noted, never what another source, staff or the patient said; the journal
keeps each row. It is done after the last block, so that the order of a file's rows decides nothing; a run that
was killed before reads such rows again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.imports.consents.held import take_out
from clinic.imports.consents.reading import ENDED, IN
from clinic.imports.journal import NOTED_BY_IMPORTS, Journal
from clinic.imports.options import Options
from clinic.imports.same import forget_elsewhere
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import consent
from clinic.record.schema.systems.imports import import_added, import_run
from clinic.record.systems.sync_runs import forget_marks

_BLOCK: Final = 10_000

_ALL: Final = ("", "")  # where channel or purpose is not understood

Of = tuple[str, str]  # channel and purpose


class Ended:
    """Those of a file, by patient; of each what has ended, and up to when."""

    def __init__(self) -> None:
        self._until: dict[int, dict[Of, datetime]] = {}

    def saw(self, said: pd.DataFrame, now: datetime) -> list[int]:
        """What a block of the file says of patients who are here; the rows that say so."""
        over = said[said["decision"] == ENDED]
        columns = ["patient_id", "channel", "purpose", "unclear", "decided_at"]
        for patient, channel, purpose, unclear, at in over[columns].itertuples(index=False):
            which = _ALL if unclear else (channel, purpose)
            until = now if pd.isna(at) else at.to_pydatetime()
            known = self._until.setdefault(int(patient), {})
            known[which] = max(until, known.get(which, until))
        return [int(row) for row in over["row"].unique()]

    def take_back(self, record: Record, journal: Journal, options: Options) -> int:
        """Take back what this source's imports noted of them; how many. Of a dry run: how many it would be."""
        taken = 0
        patients = sorted(self._until)
        for first in range(0, len(patients), _BLOCK):
            with record.write(keep=not options.check) as connection:
                found = self._noted(connection, options.source, patients[first : first + _BLOCK])
                take_out(connection, journal, [row.id for row in found])
                # What other sources say of them was known already, and is not any more
                before = {row.patient_id for row in found if row.import_id != journal.import_id}
                if before:
                    forget_elsewhere(connection, "consents", options.source, sorted(before))
                    forget_marks(connection, "consents", but=options.source)
                taken += len(found)
        return taken

    def _noted(self, connection: Connection, source: str, patients: list[int]) -> list[Any]:
        """Those that no import is known to have noted belong to every source."""
        c, run, added = consent.c, import_run.c, import_added.c
        noted = (added.table_name == consent.name) & c.id.between(added.first_id, added.last_id)
        query = (
            sa.select(c.id, c.patient_id, c.channel, c.purpose, c.decided_at, added.import_id)
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
        known = self._until[patient]
        return any(each in known and at <= known[each] for each in (which, _ALL))
