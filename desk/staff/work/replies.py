"""What patients answered and a person should read: marked ones first, then the oldest (PAT-24, PAT-25)."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from clinic.govern.access.look import Look
from clinic.govern.tied import kept_replies
from clinic.message.incoming.replies import Reply, Wanted, list_replies
from clinic.message.incoming.senders import senders_of
from clinic.message.words.marks import LIMIT, MARKS
from desk.staff.messages.words import Tag
from desk.staff.work.common import age, people, theirs
from desk.web.page import Page
from desk.web.visit import Visit

_MOST: Final = 100
STATES: Final[dict[str, Tag]] = {
    "open": ("Open", "blue"), "in_hand": ("Being dealt with", "yellow"), "done": ("Done", "green"),
}  # fmt: skip
_WHICH: Final = {"": "Not done yet", **{code: tag[0] for code, tag in STATES.items()}, "all": "All"}


def tags_of(one: Reply) -> list[Tag]:
    """Its marks, and how it stands."""
    marks = [(mark.replace("_", " ").capitalize(), "red") for mark in one.marks]
    doubt = [("May be an opt-out", "orange")] if one.may_be_opt_out else []
    word = [(one.keyword.upper(), "grey")] if one.keyword else []
    return [*marks, *doubt, *word, STATES[one.state]]


def _list(visit: Visit) -> Response:
    record, query = visit.desk.parts.record, visit.query
    state = query.get("state", "") if query.get("state", "") in _WHICH else ""
    mark = query.get("mark", "") if query.get("mark", "") in MARKS else ""
    owner = query.get("owner", "").strip()
    wanted = Wanted(state or None, mark or None, owner or None)
    found = list_replies(record, wanted, keywords=bool(query.get("keywords")), limit=_MOST + 1)
    rows = theirs(visit, found[:_MOST], lambda one: one.id, kept_replies)
    keys = senders_of(record, [one.id for one in rows], visit.desk.settings().phones)
    visit.looked(Look("replies", None, len(rows), keys))
    now = visit.desk.parts.clock.now()
    return visit.show(
        "work/replies.jinja", title="Replies", rows=[(one, tags_of(one), age(now - one.at)) for one in rows],
        more=len(found) > _MOST, most=_MOST, limit=LIMIT if any(one.marks for one in rows) else "",
        state=state, mark=mark, owner=owner, keywords=bool(query.get("keywords")), **_choices(visit),
    )  # fmt: skip


def _choices(visit: Visit) -> dict[str, Any]:
    marks = [{"value": each, "text": each.replace("_", " ").capitalize()} for each in MARKS]
    return {
        "states": [{"value": code, "text": says} for code, says in _WHICH.items()],
        "marks": [{"value": "", "text": "Any or none"}, *marks],
        "owners": [{"value": "", "text": "Anybody or nobody"}, *people(visit)],
    }


PAGES: Final = (Page("/replies", "replies", show=_list, right="view"),)
