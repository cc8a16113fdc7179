"""A patient's outreach card: every message to them, and what is still to be sent (ARC-16)."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.change.selection.search import Found
from clinic.message.outcomes.outreach import list_waiting, outreach_card
from clinic.message.sharing.unconfirmed import confirm_numbers
from clinic.message.timing.estimate import starts_at
from clinic.message.timing.timing import timing_of
from clinic.practice.needs import needs_of
from clinic.practice.objection import decisions_of
from desk.staff.patients.why import with_reason
from desk.web.page import Page
from desk.web.visit import Visit


def _card(visit: Visit, found: Found) -> Response:
    record, now = visit.desk.parts.record, visit.desk.parts.clock.now()
    card, waiting = outreach_card(record, found.id), list_waiting(record, found.id)
    timing = timing_of(visit.desk.settings())
    campaigns = {each.campaign_id for each in waiting}
    starts = {number: starts_at(record, number, timing, now) for number in campaigns}
    with record.read() as connection:
        needs, decided = needs_of(connection, found.id), decisions_of(connection, found.id)
    return visit.show(
        "patients/card.jinja", title="Patient", one=found, card=card, waiting=waiting, starts=starts,
        needs=needs, decided=decided, may_send=visit.has("send"), may_audit=visit.has("audit"),
    )  # fmt: skip


def _confirm(visit: Visit) -> Response:
    number = visit.path["number"]
    confirm_numbers(visit.parts.record, visit.parts.clock, [number], by=visit.person.name)
    return visit.go(f"/patients/{number}")


PAGES: Final = (
    Page("/patients/{number:int}", "patient", show=with_reason(_card), right="view"),
    Page("/patients/{number:int}/confirm-number", "patient number", act=_confirm, right="send"),
)
