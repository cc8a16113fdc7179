"""What a patient says of messages on the telephone or at the desk: an objection, its end, a consent."""

from __future__ import annotations

from typing import Final, cast
from zoneinfo import ZoneInfo

from starlette.responses import Response

from clinic.change.selection.search import Found
from clinic.errors import CohortRefused, NotFound
from clinic.practice.objection import Told, What, decisions_of, note_decision, when_said
from clinic.values.moments import read_day
from clinic.values.purposes import ANY, PURPOSES, purpose_in
from desk.staff.patients.why import with_reason
from desk.web.items import items
from desk.web.page import Page
from desk.web.visit import Visit

_WHAT: Final = {
    "objects": "objects to them: none is sent any more",
    "lifts": "objects no more",
    "consents": "consents to them, which marketing needs",
}
_CHANNELS: Final = {"any": "any", "sms": "SMS", "email": "e-mail", "voice": "calls"}


def _shown(visit: Visit, found: Found, fault: str = "", at: str = "what") -> Response:
    with visit.desk.parts.record.read() as connection:
        decided = decisions_of(connection, found.id)
    names = ("what", "purpose", "channel", "on")
    purposes = {ANY: "any: all of them"} | {
        name: f"{name}: {one.says}" for name, one in PURPOSES.items()
    }
    return visit.show(
        "patients/objection.jinja", title="Objections and consents", status=422 if fault else 200, one=found,
        decided=decided, what=items(_WHAT), purposes=items(purposes), channels=items(_CHANNELS), at=at,
        says={name: visit.said(name) for name in names}, fault=fault,
        errors=[{"text": fault, "href": f"#{at}"}] if fault else [],
    )  # fmt: skip


def _note(visit: Visit, found: Found) -> Response:
    parts, what, channel = visit.parts, visit.said("what"), visit.said("channel")
    if what not in _WHAT or channel not in _CHANNELS:
        return _shown(visit, found, "Choose what the patient says.")
    zone, now = ZoneInfo(visit.desk.settings().organisation.time_zone), parts.clock.now()
    try:
        on = visit.said("on").strip()
        at = when_said(read_day(on).date(), cast(What, what), zone, now) if on else now
    except ValueError as wrong:
        return _shown(visit, found, f"{str(wrong).capitalize()}.", "on")
    try:
        about = ANY if visit.said("purpose") == ANY else purpose_in(visit.said("purpose"))
        told = Told(cast(What, what), about, channel, at)
        counts = note_decision(parts.record, parts.clock, found.id, told, by=visit.person.name)
    except (CohortRefused, NotFound) as refused:
        return _shown(visit, found, refused.says)
    return visit.go(f"/patients/{found.id}?kept={'decision' if counts else 'earlier'}")


PAGES: Final = (
    Page(
        "/patients/{number:int}/objection", "patient objection", show=with_reason(_shown),
        act=with_reason(_note), right="send",
    ),
)  # fmt: skip
