"""Numbers and patients that are sent nothing, for what a reply says, until somebody decides."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from clinic.errors import NotAllowed
from clinic.govern.access.look import Look, known_as
from clinic.govern.tied import kept_ids, kept_replies
from clinic.message.incoming.holds import Hold, decide_hold, list_holds, one_hold
from clinic.message.incoming.senders import senders_of
from desk.staff.messages.words import Tag
from desk.staff.work.common import acted, theirs
from desk.web.page import Page
from desk.web.visit import Visit

_MOST: Final = 50
_SAYS: Final = {"wrong_number": "Wrong number", "death": "Somebody died"}
_STATES: Final[dict[str, Tag]] = {
    "held": ("Held back", "orange"), "released": ("Released", "green"), "kept": ("Kept", "red"),
}  # fmt: skip


def _list(visit: Visit) -> Response:
    record, every = visit.desk.parts.record, bool(visit.query.get("all"))
    found = list_holds(record, every=every, limit=_MOST + 1)
    rows = theirs(visit, found[:_MOST], lambda each: each.reply_id, kept_replies)
    rows = theirs(visit, rows, lambda each: each.own_id, kept_ids)
    _looked(visit, rows)
    told = [(each, _SAYS[each.why], [_STATES[each.state]]) for each in rows]
    return visit.show(
        "work/holds.jinja", title="Held back", rows=told,
        more=len(found) > _MOST, most=_MOST, every=every,
    )  # fmt: skip


def _looked(visit: Visit, found: list[Hold], number: int | None = None) -> None:
    record = visit.desk.parts.record
    keys = senders_of(record, [each.reply_id for each in found], visit.desk.settings().phones)
    with record.read() as connection:
        keys |= known_as(connection, [each.own_id for each in found])
    visit.looked(Look("hold" if number else "holds", number, len(found), keys))


def _one(visit: Visit, *, fault: str = "", status: int = 200) -> Response:
    number = visit.path["number"]
    found = _theirs(visit, number)
    _looked(visit, [found], number)
    return visit.show(
        "work/hold.jinja", title=f"Held back: {_SAYS[found.why].lower()}", status=status, one=found,
        why=_SAYS[found.why], tags=[_STATES[found.state]], may_act=visit.has("send"), note=visit.said("note"),
        errors=[{"text": fault, "href": "#note"}] if fault else [],
    )  # fmt: skip


def _theirs(visit: Visit, number: int) -> Hold:
    found = one_hold(visit.desk.parts.record, number)
    visit.theirs("hold", number)
    visit.theirs("reply", found.reply_id)
    return found


def _decide(visit: Visit) -> Response:
    number, said = visit.path["number"], visit.said("decision")
    if said not in ("released", "kept"):
        raise HTTPException(400)
    _theirs(visit, number)
    parts, phones = visit.desk.parts, visit.desk.settings().phones
    try:
        decide_hold(
            parts.record, parts.clock, number, said, visit.said("note"), by=visit.person.name, phones=phones
        )  # fmt: skip
    except NotAllowed as refusal:
        return _one(visit, fault=refusal.says, status=400)
    acted(visit)
    return visit.go(f"/holds/{number}")


PAGES: Final = (
    Page("/holds", "holds", show=_list, right="view"),
    Page("/holds/{number:int}", "hold", show=_one, right="view"),
    Page("/holds/{number:int}/decide", "decide hold", act=_decide, right="send"),
)
