"""
The remarks of a list that was imported: what its reader left out, changed or ignored.

They are found once, while the file is read (clinic/cohort/files/notices.py), and kept with the list, so
that review, summary, run and outcome file say what `cohort list check` says. Codes, headings, row
numbers and counts; no value of a patient.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.files.notices import SENTENCES, Notice
from clinic.record.schema.lists import cohort_list


def remarks_as_json(notices: Iterable[Notice]) -> str:
    """As they are kept."""
    kept = [
        {"code": one.code, "column": one.column, "count": one.count, "rows": one.rows}
        for one in notices
    ]
    return orjson.dumps(kept).decode()


def list_remarks(connection: Connection, list_id: int) -> tuple[Notice, ...]:
    """The remarks of a list, in the order in which they were found; none of one that is no file."""
    kept = connection.execute(
        sa.select(cohort_list.c.remarks).where(cohort_list.c.id == list_id)
    ).scalar()
    found = [Notice(**one) for one in orjson.loads(kept or "[]")]
    return tuple(one for one in found if one.code in SENTENCES)
