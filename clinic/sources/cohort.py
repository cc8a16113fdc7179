"""A selection from a query: its result becomes a list like any other, each row with its outcome."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.cohort.as_of import dating_of
from clinic.cohort.import_list import take_in_file
from clinic.govern.tied import require_all
from clinic.message.campaign.begin import usual_name
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.intake.columns import keeping_for
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list
from clinic.settings import Settings
from clinic.sources.choose import open_queries
from clinic.sources.staging import staging


def take_in_cohort(
    record: Record, clock: Clock, settings: Settings, *, source: str, query: str, request_key: str, name: str,
    taken_by: str, template: str | None = None, version: int | None = None,
    keep: Mapping[str, str] | None = None,
) -> int:  # fmt: skip
    """
    Run a query of a source and take its rows in; the list's id. The same request key gives the same list.

    No transaction is open while the source is asked. Killed before its rows were all here, the same key
    asks again; where the source gives others by then, the list is refused and a new request is needed.

    Raises:
        SourceProblem, NotFound: there is no such query, or it gives nothing that can be used
        ListRefused: what it gives has no column that says who
        NotAllowed: `taken_by` is tied to facilities: nobody knows whose patients a query gives
    """
    if (known := _whole_list(record, request_key)) is not None:
        return known
    with record.read() as connection:
        require_all(connection, taken_by)
    with staging(settings.home, source) as into:
        path = open_queries(settings, source).fetch_cohort(query, into)
        return take_in_file(
            record, clock, path, request_key=request_key, name=name,
            scheme=settings.organisation.id_scheme, taken_by=taken_by, dating=dating_of(settings),
            keeping=keeping_for(record, template, version, dict(keep or {})),
        )  # fmt: skip


def with_list(
    record: Record, clock: Clock, settings: Settings, request: MessageRequest, *, request_key: str
) -> MessageRequest:
    """
    The request with its query's rows as a list; as it is where it names no query.

    Raises:
        SourceProblem, NotFound, ListRefused: as `take_in_cohort`
    """
    choice = request.cohort
    if choice.query is None:
        return request
    number = take_in_cohort(
        record, clock, settings, source=choice.source or "", query=choice.query, request_key=request_key,
        name=request.list_name or usual_name(choice), taken_by=request.requested_by or settings.operator,
        template=request.template, version=request.template_version,
    )  # fmt: skip
    return request.model_copy(update={"cohort": CohortChoice(list_id=number)})


def _whole_list(record: Record, request_key: str) -> int | None:
    c = cohort_list.c
    with record.read() as connection:
        return connection.scalar(
            sa.select(c.id).where(c.request_key == request_key, c.rows.is_not(None))
        )
