"""The rows of a bulk message that ended in error, on a page and as a file (PAT-22, ACX-26, ACX-27)."""

from __future__ import annotations

from itertools import islice
from typing import Final, get_args
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.responses import Response

from clinic.govern.access.look import Look, at_all, of_rows
from clinic.message.outcomes.outcome_rows import (
    Only,
    OutcomeRow,
    count_rows,
    headings,
    outcome_lines,
    outcome_rows,
)
from desk.staff.messages.seen import details_of
from desk.web.download import csv_file
from desk.web.page import Page
from desk.web.visit import Visit

_SIZE: Final = 50
_COLUMNS: Final = 4
"""Of the list's own: as `cohort show --errors-only` has them."""


def _errors(visit: Visit) -> Response:
    number = visit.path["number"]
    visit.theirs("campaign", number)
    record = visit.desk.parts.record
    line = details_of(visit.desk, number).line
    after = int(visit.query["after"]) if visit.query.get("after", "").isdecimal() else 0
    zone = ZoneInfo(visit.desk.settings().organisation.time_zone)
    found = list(
        islice(
            outcome_rows(
                record, number, only="errors", zone=zone, after=after, page_size=_SIZE + 1
            ),
            _SIZE + 1,
        )
    )
    rows = found[:_SIZE]
    own = headings(record, number)[:_COLUMNS]
    with record.read() as connection:
        keys = of_rows(connection, number, [row.row_number for row in rows])
    visit.looked(Look("campaign", number, len(rows), keys))
    return visit.show(
        "messages/errors.jinja", title=f"Patients with errors, bulk message {number}", number=number, line=line,
        headings=own, rows=[(row, _cells(row, len(own))) for row in rows], first=after == 0,
        older=rows[-1].row_number if len(found) > _SIZE else None, may_export=visit.has("export"),
    )  # fmt: skip


def _cells(row: OutcomeRow, count: int) -> list[str]:
    return [*row.cells, *[""] * count][:count]


def _download(visit: Visit) -> Response:
    number = visit.path["number"]
    visit.theirs("campaign", number)
    asked = visit.query.get("only", "all")
    only = next((one for one in get_args(Only) if one == asked), None)
    if only is None:
        raise HTTPException(404)
    record = visit.desk.parts.record
    zone = ZoneInfo(visit.desk.settings().organisation.time_zone)
    visit.looked(at_all("campaign", number, count_rows(record, number, only)))
    lines = outcome_lines(record, number, only=only, zone=zone)
    return csv_file(f"bulk-message-{number}-{only.replace('_', '-')}.csv", lines)


PAGES: Final = (
    Page("/messages/{number:int}/errors", "message errors", show=_errors, right="view"),
    Page("/messages/{number:int}/outcomes.csv", "message file", show=_download, right="export"),
)
