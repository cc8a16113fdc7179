"""Who looked at a patient, and why: for whoever may read the audit trail. That they ask is a look, too."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.change.selection.search import Found
from clinic.govern.access.who_saw import who_saw
from desk.staff.patients.why import with_reason
from desk.web.page import Page
from desk.web.visit import Visit

_MOST: Final = 100


def _shown(visit: Visit, found: Found) -> Response:
    with visit.desk.parts.record.read() as connection:
        looks = who_saw(connection, found.id, limit=_MOST)
    return visit.show(
        "patients/seen.jinja", title="Who saw this patient", one=found, looks=looks, most=_MOST
    )


PAGES: Final = (
    Page(
        "/patients/{number:int}/who-saw", "patient who saw", show=with_reason(_shown), right="audit"
    ),
)
