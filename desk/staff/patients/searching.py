"""
Find a patient by NHS number, the practice's own id, name, date of birth or postcode.

What is typed is sent in the form and stands in no address; whom the list shows is in the access log.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.change.selection.search import find_patients
from clinic.govern.access.look import at_some
from desk.web.page import Page
from desk.web.visit import Visit

_SHOWN: Final = 25
_LEAST: Final = 2
"""Letters: one of them finds half a practice."""


def _show(visit: Visit) -> Response:
    return visit.show("patients/search.jinja", title="Patients", typed="", found=None)


def _find(visit: Visit) -> Response:
    typed = visit.said("q").strip()
    if len(typed) < _LEAST:
        fault = "Type an NHS number, the practice's own id, a name or a date of birth."
        return visit.show(
            "patients/search.jinja", title="Patients", status=422, typed=typed, found=None, fault=fault,
            errors=[{"text": fault, "href": "#q"}],
        )  # fmt: skip
    found = find_patients(visit.desk.parts.record, typed, by=visit.person.name)
    shown = found[:_SHOWN]
    if shown:
        visit.looked(at_some("search", [each.id for each in shown]))
    return visit.show(
        "patients/search.jinja", title="Patients", typed=typed, found=shown, count=len(found)
    )


PAGES: Final = (Page("/patients", "patients", show=_show, act=_find, right="view"),)
