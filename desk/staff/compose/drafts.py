"""One's drafts of bulk messages: begin one, go on with one, let one go; and a draft's task list."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.message.drafts.draft import begin, discard, get_draft, list_drafts
from clinic.message.drafts.uploads import remove_upload
from desk.staff.compose.own import AT, at, own, page, shown
from desk.web.visit import Visit


def _new(visit: Visit) -> Response:
    drafts = list_drafts(visit.parts.record, visit.person.name)
    return visit.show("compose/new.jinja", title="Create new bulk message", drafts=drafts)


def _begin(visit: Visit) -> Response:
    parts, name = visit.parts, visit.person.name
    made = get_draft(parts.record, begin(parts.record, parts.clock, name), name)
    return visit.go(at(made, "list"))


def _tasks(visit: Visit) -> Response:
    draft = own(visit)
    if draft.is_sent:
        return visit.go(at(draft, "review"))
    return shown(visit, "tasks", draft, draft.asked.list_name or "New bulk message", [])


def _discard(visit: Visit) -> Response:
    number, parts = visit.path["number"], visit.parts
    remove_upload(parts.settings.home, discard(parts.record, number, visit.person.name))
    return visit.go("/messages/new")


PAGES: Final = (
    page("/messages/new", "new message", _new, _begin),
    page(AT, "draft", _tasks),
    page(f"{AT}/discard", "discard draft", act=_discard),
)
