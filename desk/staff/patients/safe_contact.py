"""
How a patient may be contacted without putting them at risk: set by anybody, seen and lifted by role (NEW-26).

What is in force is shown to team leads and managers alone; that they looked is on the trail as well.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.change.selection.search import Found
from clinic.errors import CohortRefused, NotAllowed, NotFound
from clinic.practice.safe_contact import (
    CHANNELS,
    SafeContact,
    lift_safe_contact,
    may_see,
    see_safe_contact,
    set_safe_contact,
)
from desk.staff.patients.why import with_reason
from desk.web.items import items
from desk.web.page import Page
from desk.web.visit import Visit


def _shown(visit: Visit, found: Found, fault: str = "", at: str = "reason") -> Response:
    sees = may_see(visit.person.role)
    return visit.show(
        "patients/safe_contact.jinja", title="Safe contact", status=422 if fault else 200, one=found,
        sees=sees, history=_history(visit, found.id) if sees else [], channels=items(CHANNELS),
        chosen=visit.form.getlist("channels"), says={"reason": visit.said("reason")}, fault=fault, at=at,
        errors=[{"text": fault, "href": f"#{at}"}] if fault else [],
    )  # fmt: skip


def _history(visit: Visit, number: int) -> list[SafeContact]:
    try:
        return see_safe_contact(visit.parts.record, visit.parts.clock, number, by=visit.person.name)
    except NotFound:
        return []


def _set(visit: Visit, found: Found) -> Response:
    settings, parts = visit.desk.settings(), visit.parts
    lifts = visit.said("do") == "lift"
    by, reason = visit.person.name, visit.said("reason")
    try:
        if lifts:
            lift_safe_contact(parts.record, parts.clock, found.id, reason=reason, by=by)
        else:
            set_safe_contact(
                parts.record, parts.clock, found.id, number=visit.said("safe_number"), reason=reason, by=by,
                channels=[str(each) for each in visit.form.getlist("channels") if each in CHANNELS],
                phones=settings.phones,
            )  # fmt: skip
    except CohortRefused as refused:
        at = "safe_number" if refused.code == "safe-contact-number" else "reason"
        return _shown(visit, found, refused.says, at)
    except NotAllowed as refused:
        if refused.code != "safe-contact-role":
            raise
        return _shown(visit, found, refused.says)
    return visit.go(f"/patients/{found.id}?kept=safe-contact")


PAGES: Final = (
    Page(
        "/patients/{number:int}/safe-contact", "patient safe contact", show=with_reason(_shown),
        act=with_reason(_set), right="send",
    ),
)  # fmt: skip
