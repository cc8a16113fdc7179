"""What a patient needs so that messages reach and help them: language, format, a proxy (NEW-32)."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from clinic.change.selection.search import Found
from clinic.errors import CohortRefused
from clinic.message.needs.words import STAYS
from clinic.practice.needs import FIELDS, needs_of, set_needs
from desk.staff.patients.why import with_reason
from desk.web.items import items
from desk.web.page import Page
from desk.web.visit import Visit

_ANSWERS: Final = {"": "not said", "yes": "yes", "no": "no"}
_PREFERS: Final = ("any", "sms", "email", "voice", "none")


def _shown(visit: Visit, found: Found) -> Response:
    with visit.desk.parts.record.read() as connection:
        needs = needs_of(connection, found.id)
    return _form(visit, found, _as_typed(needs))


def _as_typed(needs: dict[str, Any]) -> dict[str, str]:
    """As the form has them: yes and no in words."""
    words = {True: "yes", False: "no"}
    return {
        name: words[value] if isinstance(value, bool) else str(value)
        for name, value in needs.items()
    }


def _form(visit: Visit, found: Found, says: dict[str, str], fault: str = "") -> Response:
    return visit.show(
        "patients/needs.jinja", title="Needs", status=422 if fault else 200, one=found, says=says,
        answers=items(_ANSWERS), stays=items(STAYS, "at home"), prefers=items(_PREFERS),
        errors=[{"text": fault, "href": "#language"}] if fault else [],
    )  # fmt: skip


def _keep(visit: Visit, found: Found) -> Response:
    """What was emptied is taken away; what was not touched stays as it is."""
    parts = visit.parts
    with parts.record.read() as connection:
        before = _as_typed(needs_of(connection, found.id))
    typed = {name: visit.said(name).strip() for name in FIELDS}
    said = {name: text or "none" for name, text in typed.items() if text != before.get(name, "")}
    prefers = visit.said("prefers")
    known = prefers if prefers in _PREFERS else None
    if known == before.get("preferred_channel", "any"):
        known = None
    try:
        set_needs(parts.record, parts.clock, found.id, said, prefers=known, by=visit.person.name)
    except CohortRefused as refused:
        return _form(visit, found, typed | {"preferred_channel": prefers}, refused.says)
    return visit.go(f"/patients/{found.id}?kept=needs")


PAGES: Final = (
    Page(
        "/patients/{number:int}/needs", "patient needs", show=with_reason(_shown), act=with_reason(_keep),
        right="send",
    ),
)  # fmt: skip
