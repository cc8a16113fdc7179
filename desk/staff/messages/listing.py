"""All bulk messages, the newest first (PAT-4, PAT-5, PAT-19)."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.message.timing.estimate import starts_at
from clinic.message.timing.timing import timing_of
from desk.staff.messages.seen import lines_of
from desk.staff.messages.words import CHANNELS, tags_of
from desk.web.page import Page
from desk.web.visit import Visit

_SIZE: Final = 25


def _list(visit: Visit) -> Response:
    before = int(visit.query["before"]) if visit.query.get("before", "").isdecimal() else None
    found = lines_of(visit.desk, limit=_SIZE + 1, before=before)
    lines = found[:_SIZE]
    record, now = visit.desk.parts.record, visit.desk.parts.clock.now()
    timing = timing_of(visit.desk.settings())
    rows = [
        {
            "line": line,
            "how": CHANNELS.get(line.channel, line.channel),
            "tags": tags_of(line),
            "starts": starts_at(record, line.id, timing, now) if line.waits else None,
        }
        for line in lines
    ]
    return visit.show(
        "messages/listing.jinja", title="Bulk messages", rows=rows,
        older=lines[-1].id if len(found) > _SIZE else None, first=before is None,
        may_send=visit.has("send"),
    )  # fmt: skip


PAGES: Final = (Page("/messages", "messages", show=_list, right="view"),)
