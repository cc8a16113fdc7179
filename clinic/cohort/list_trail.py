"""
That a list was imported is on the audit trail: who, from what, the digest of it, how many rows (NEW-10).

The list's own row is sealed with the act (clinic/govern/audit/tables.py); no cell, name or file name is in
it. Whoever makes a list says so here, in the transaction that completes it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.keeping import read_kept
from clinic.govern.audit.trail import Act, write_act
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.statistics import count_filled

TAKEN: Final = "list.taken"
_SAYS: Final = ("source", "layout", "sha256", "size", "rows")


def tell_taken(connection: Connection, list_id: int, now: datetime) -> None:
    """Who took this list in; of a look, which is deleted again, nothing. And its rows are counted."""
    row = connection.execute(sa.select(cohort_list).where(cohort_list.c.id == list_id)).one()
    count_filled(connection, row.rows or 0, list_row)
    if row.request_key.startswith("preview-"):
        return
    says = {name: getattr(row, name) for name in _SAYS}
    kept = read_kept(row.kept)
    if kept is not None:
        says |= {"columns_not_kept": len(kept.left), "columns_asked_for": len(kept.reasons)}
    act = Act(
        operator=row.taken_by,
        operation_type=TAKEN,
        subject="list",
        subject_id=list_id,
        patients_affected=row.rows or 0,
        new_values={name: value for name, value in says.items() if value not in (None, "")},
    )
    write_act(connection, act, now, rows={cohort_list: [list_id]})
