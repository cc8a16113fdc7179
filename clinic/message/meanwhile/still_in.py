"""
Whether a patient still matches the filter, or is still in the group, that a campaign is for (NEW-29).

Asked again in the transaction that writes the intent: a campaign may be spread over weeks. Whoever matches
only since it was made is not added: they were in nobody's review.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.filters import PatientFilter, filter_query, group_query
from clinic.errors import NotFound
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.people import patient

FROM_RECORD = ("filter", "group")  # sources of lists that can be asked for again


_LIST: Final = sa.select(cohort_list.c.source, cohort_list.c.criteria).where(
    cohort_list.c.id == sa.bindparam("this_list")
)


def no_longer_in(
    connection: Connection, list_id: int, members: sa.Select[tuple[int]]
) -> sa.Select[tuple[int]] | None:
    """Those of the members whom the list's question does not find any more; None: it asked no such question."""
    row = connection.execute(_LIST, {"this_list": list_id}).one()
    if row.source not in FROM_RECORD or not row.criteria:
        return None
    try:
        found = _query(connection, row.source, orjson.loads(row.criteria))
    except NotFound:  # the group was deleted, or nobody is in that status any more
        return members
    return sa.select(patient.c.id).where(patient.c.id.in_(members), patient.c.id.not_in(found))


def _query(connection: Connection, source: str, asked: dict[str, str]) -> sa.Select[tuple[int]]:
    """As it was asked for (clinic/message/campaign/request.py)."""
    if source == "group":
        return group_query(connection, asked["group"])
    wanted = PatientFilter(
        asked.get("status"),
        asked.get("facility"),
        asked.get("provider"),
        _day(asked.get("registered_from")),
        _day(asked.get("registered_to")),
    )
    return filter_query(connection, wanted)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
