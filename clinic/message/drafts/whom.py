"""How many patients a choice means that the record itself answers: a group, a filter, an earlier list."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.cohort.filters import PatientFilter, filter_query, group_query
from clinic.cohort.rows import get_list
from clinic.govern.tied import only_theirs, require_subject
from clinic.message.drafts.asked import Asked
from clinic.record.database import Record
from clinic.settings import Settings


def count_chosen(
    record: Record, settings: Settings, asked: Asked, owner: str, list_id: int | None
) -> int | None:
    """
    How many rows the list will have; None: nothing of the kind was chosen.

    Raises:
        NotFound: no group, facility, provider, status or list is called so; says which there are
        NotAllowed: the list is another's, and its patients may be of other facilities
    """
    with record.read() as connection:
        if list_id is not None:
            require_subject(connection, owner, "list", list_id)
            return get_list(connection, list_id).rows
        if asked.source == "group":
            query = group_query(connection, asked.group or "")
        elif asked.source == "filter":
            wanted = PatientFilter(
                asked.status,
                asked.facility,
                asked.provider,
                asked.registered_from,
                asked.registered_to,
            )
            query = filter_query(connection, wanted, statuses=settings.organisation.statuses)
        else:
            return None
        theirs = only_theirs(connection, owner, query).subquery()
        return int(connection.scalar(sa.select(sa.func.count()).select_from(theirs)) or 0)
