"""A person's hand on a bulk message: pause it, let it go on, end it for good; each is asked about first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast, get_args

from starlette.exceptions import HTTPException
from starlette.responses import Response

from clinic.errors import CohortRefused, NotAllowed
from clinic.message.asking.carrying_on import resume, stale_reason
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.doubt import Left, doubt_of
from clinic.message.prepare.control import Control, cancel, pause
from clinic.message.reminders.stale import is_held
from clinic.record.systems.staleness import CODE
from desk.staff.messages.seen import changed, controls_of, details_of
from desk.web.page import Page
from desk.web.visit import Visit

_SAYS: Final[dict[Control, tuple[str, str, str]]] = {
    "pause": (
        "Pause this bulk message?",
        "Nothing more of it is sent until somebody resumes it. What is being sent at this moment still is.",
        "Pause",
    ),
    "resume": (
        "Let this bulk message go on?",
        "Look first why it stopped. A worker takes it up within minutes.",
        "Resume",
    ),
    "cancel": (
        "Cancel this bulk message for good?",
        "Nothing more of it is ever sent. What was sent stays sent; the rest counts as cancelled.",
        "Cancel it for good",
    ),
}
# After the record was set back; what `cohort resume --left` takes
_LEFT: Final[dict[Left, str]] = {
    "nothing": "Nothing: the provider has none of it, so it is sent",
    "unknown": "Nobody knows: none of it is sent again, and each message is listed",
    "repeat": "Send it again: the gateway knows what it was given",
    "noted": "Only this machine sent it, and its disk was not set back: batches that it noted are unknown, "
    "the rest is sent",
}


def _ask(what: Control, visit: Visit, *, fault: str = "", status: int = 200) -> Response:
    number = visit.path["number"]
    visit.theirs("campaign", number)
    found = details_of(visit.desk, number)
    if what not in controls_of(found):
        return visit.go(f"/messages/{number}")
    question, explains, button = _SAYS[what]
    with visit.desk.parts.record.read() as connection:
        doubt = what == "resume" and doubt_of(get_campaign(connection, number)) is not None
    return visit.show(
        "messages/step.jinja", title=question, status=status, number=number, line=found.line, question=question,
        explains=explains, button_text=button, reason=visit.said("reason"), what=what,
        left=[{"value": value, "text": says} for value, says in _LEFT.items()] if doubt else [],
        stale=what == "resume" and is_held(found.trouble or ""),
        errors=[{"text": fault, "href": "#reason"}] if fault else [],
    )  # fmt: skip


def _do(what: Control, visit: Visit) -> Response:
    number = visit.path["number"]
    visit.theirs("campaign", number)
    record, clock, by = visit.desk.parts.record, visit.desk.parts.clock, visit.person.name
    reason = visit.said("reason").strip()
    try:
        if what == "resume":
            _resume(visit, number, reason)
        else:
            act = pause if what == "pause" else cancel
            act(record, clock, number, by=by, reason=reason)
    except (CohortRefused, NotAllowed) as refusal:
        changed(visit.desk, number)
        return _ask(what, visit, fault=refusal.says, status=409)
    changed(visit.desk, number)
    return visit.go(f"/messages/{number}")


def _resume(visit: Visit, number: int, reason: str) -> None:
    desk = visit.desk
    said, stale = visit.said("left"), visit.said("stale").strip()
    if said and said not in get_args(Left):
        raise HTTPException(400)
    resume(
        desk.parts.record, desk.parts.clock, desk.settings(), number, by=visit.person.name, reason=reason,
        left=cast(Left, said) if said else None,
        stale=stale_reason({CODE: stale}) if stale else "",
    )  # fmt: skip


def _page(what: Control) -> Page:
    show: Callable[[Visit], Any] = partial(_ask, what)
    act: Callable[[Visit], Any] = partial(_do, what)
    path = f"/messages/{{number:int}}/{what}"
    return Page(path, f"message {what}", show=show, act=act, right="send")


PAGES: Final = tuple(_page(what) for what in _SAYS)
