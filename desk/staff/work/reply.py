"""One reply, and the patients of its number: taken, given to somebody, done with a note, opened again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.responses import Response

from clinic.errors import NotAllowed
from clinic.govern.access.look import at_some
from clinic.message.incoming.replies import one_reply, steps_of
from clinic.message.incoming.reply_work import assign, close, reopen
from desk.staff.work.common import acted, people
from desk.staff.work.replies import tags_of
from desk.web.page import Page
from desk.web.visit import Visit


def _one(visit: Visit, *, fault: str = "", status: int = 200) -> Response:
    number, parts = visit.path["number"], visit.desk.parts
    visit.theirs("reply", number)
    found, sharers = one_reply(parts.record, number, visit.desk.settings().phones)
    visit.looked(at_some("reply", [one.patient_id for one in sharers], number))
    return visit.show(
        "work/reply.jinja", title=f"Reply {number}", status=status, one=found, tags=tags_of(found),
        sharers=sharers, steps=steps_of(found) if visit.has("send") else (),
        people=people(visit, without=found.owner or ""), note=visit.said("note"),
        errors=[{"text": fault, "href": "#note"}] if fault else [],
    )  # fmt: skip


def _step(act: Callable[[Visit, int], None]) -> Callable[[Visit], Response]:
    def handler(visit: Visit) -> Response:
        number = visit.path["number"]
        visit.theirs("reply", number)
        try:
            act(visit, number)
        except NotAllowed as refusal:
            return _one(visit, fault=refusal.says, status=400)
        acted(visit)
        return visit.go(f"/replies/{number}")

    return handler


def _take(visit: Visit, number: int) -> None:
    name = visit.person.name
    assign(visit.desk.parts.record, visit.desk.parts.clock, number, name, by=name)


def _give(visit: Visit, number: int) -> None:
    parts, by = visit.desk.parts, visit.person.name
    assign(parts.record, parts.clock, number, visit.said("to"), by=by)


def _done(visit: Visit, number: int) -> None:
    parts, by = visit.desk.parts, visit.person.name
    phones = visit.desk.settings().phones if visit.said("opt_out") else None
    close(parts.record, parts.clock, [number], visit.said("note"), by=by, opt_out=phones)


def _reopen(visit: Visit, number: int) -> None:
    reopen(visit.desk.parts.record, visit.desk.parts.clock, number, by=visit.person.name)


def _page(what: str, act: Callable[[Visit, int], None]) -> Page:
    path = f"/replies/{{number:int}}/{what}"
    return Page(path, f"{what} reply", act=_step(act), right="send")


PAGES: Final = (
    Page("/replies/{number:int}", "reply", show=_one, right="view"),
    _page("take", _take),
    _page("give", _give),
    _page("done", _done),
    _page("reopen", _reopen),
)
