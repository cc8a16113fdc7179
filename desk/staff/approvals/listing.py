"""The list: what waits for me, what I asked for, what waits for others."""

from __future__ import annotations

from starlette.responses import Response

from clinic.govern.approvals.for_person import waiting_for
from clinic.govern.approvals.queue import rejected_to
from desk.staff.approvals.words import title_of_request
from desk.web.visit import Visit


def show_list(visit: Visit) -> Response:
    """Everything that waits and has no patients of other facilities; oldest first."""
    record, name = visit.desk.parts.record, visit.person.name
    now = visit.desk.parts.clock.now()
    queue = waiting_for(record, now, name)
    rows = [(row, title_of_request(row.asked)) for row in queue.waits]
    return visit.show(
        "approvals/list.jinja", title="Approvals", kept=queue.others,
        mine=[each for each in rows if "approve" in each[0].steps],
        asked=[each for each in rows if each[0].asked.requested_by == name],
        others=[
            each for each in rows
            if "approve" not in each[0].steps and each[0].asked.requested_by != name
        ],
        rejected=[(each, title_of_request(each)) for each in rejected_to(record, now, name)],
    )  # fmt: skip
