"""The list of operations, the newest first."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.change.kinds.table import KINDS, title_of
from clinic.change.operations import list_operations
from clinic.change.review.follow_up import count_open
from desk.staff.operations.words import STATES
from desk.web.visit import Visit

_ROWS: Final = 25


def show_list(visit: Visit) -> Response:
    """Counts and reasons alone: no patient is named."""
    record = visit.desk.parts.record
    asked = visit.query.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 16 else None
    found = list_operations(record, _ROWS + 1, before=before)
    shown = found[:_ROWS]
    return visit.show(
        "operations/list.jinja", title="Bulk operations", first=before is None,
        rows=[(each, title_of(each.kind), STATES[each.state]) for each in shown],
        older=shown[-1].id if len(found) > _ROWS else None,
        may_ask=visit.has("send") and any(visit.may("request", kind) for kind in KINDS),
        still=count_open(record),
    )  # fmt: skip
