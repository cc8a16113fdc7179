"""Who works here: everybody with their role and what they may, and one of them."""

from __future__ import annotations

from starlette.responses import Response

from clinic.govern.people.clinicians import clinicians
from clinic.govern.people.facilities import tied
from clinic.govern.people.operators import get_operator, list_operators
from clinic.govern.people.roles import PEOPLE, RIGHTS_OF
from clinic.govern.people.second_step import is_enrolled
from clinic.practice.places import list_places
from desk.web.items import items
from desk.web.visit import Visit


def show(visit: Visit, *, fault: str = "", status: int = 200) -> Response:
    """Everybody, and the form that adds a person."""
    record = visit.desk.parts.record
    with record.read() as connection:
        clinical, places = clinicians(connection), tied(connection)
    return visit.show(
        "people/list.jinja", title="Staff", status=status, found=list_operators(record), places=places,
        clinical=clinical, rights=RIGHTS_OF, roles=items(PEOPLE, "Choose"), facilities=_facilities(visit),
        says={name: visit.said(name) for name in ("name", "role")},
        errors=[{"text": fault, "href": "#name"}] if fault else [],
    )  # fmt: skip


def show_one(visit: Visit, *, fault: str = "", status: int = 200) -> Response:
    """One person, and what can be changed of them."""
    record = visit.desk.parts.record
    one = get_operator(record, visit.path["name"])
    with record.read() as connection:
        own, enrolled = tied(connection).get(one.name, ()), is_enrolled(connection, one.name)
    return visit.show(
        "people/one.jinja", title=one.name, status=status, one=one, enrolled=enrolled, own=own,
        facilities=_facilities(visit), rights=sorted(RIGHTS_OF[one.role]), done=visit.query.get("done", ""),
        errors=[{"text": fault, "href": "#password"}] if fault else [],
    )  # fmt: skip


def _facilities(visit: Visit) -> list[dict[str, str]]:
    found = list_places(visit.desk.parts.record, "facility")
    return items({one.code: one.name for one in found if one.active})
