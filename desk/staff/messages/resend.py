"""Try sending again: what failed of a bulk message, and only that (PAT-22, PAT-23)."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.errors import NotAllowed
from clinic.message.drafts.again import begin_again
from clinic.message.drafts.draft import new_key
from clinic.message.prepare.resend import resendable, waiting_calls
from desk.staff.messages.seen import changed, details_of
from desk.web.page import Page
from desk.web.visit import Visit


def _ask(visit: Visit, *, fault: str = "", status: int = 200) -> Response:
    number, desk = visit.path["number"], visit.desk
    visit.theirs("campaign", number)
    found = details_of(desk, number)
    record = desk.parts.record
    with record.read() as connection:
        failed = len(resendable(connection, number)) if found.resendable else 0
    waits = None
    if found.line.channel == "voice" and failed:
        waits = waiting_calls(record, desk.settings(), number, desk.parts.clock.now())
    return visit.show(
        "messages/resend.jinja", title="Try sending again", status=status, number=number, line=found.line,
        failed=failed, waits=waits, key=visit.said("key") or new_key(),
        errors=[{"text": fault, "href": "#again"}] if fault else [],
    )  # fmt: skip


def _begin(visit: Visit) -> Response:
    number, desk = visit.path["number"], visit.desk
    visit.theirs("campaign", number)
    try:
        made = begin_again(
            desk.parts.record, desk.parts.clock, desk.settings(), number, by=visit.person.name,
            request_key=visit.said("key"),
        )  # fmt: skip
    except NotAllowed as refusal:
        return _ask(visit, fault=refusal.says, status=409)
    changed(desk, number)
    return visit.go(f"/messages/drafts/{made}/review")


PAGES: Final = (
    Page(
        "/messages/{number:int}/resend", "resend message", show=_ask, act=_begin, right="send",
        kind="campaign",
    ),
)  # fmt: skip
