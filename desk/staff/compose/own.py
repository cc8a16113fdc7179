"""What all pages of a draft share: whose it is, where it is, and what is wrong with what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from clinic.govern.people.roles import Right
from clinic.message.drafts.draft import Draft, change, get_draft
from clinic.message.drafts.uploads import remove_upload
from desk.web.page import Handler, Page
from desk.web.visit import Visit

AT: Final = "/messages/drafts/{number:int}"
Errors = list[dict[str, str]]


def page(
    path: str, name: str, show: Handler | None = None, act: Handler | None = None,
    *, right: Right = "send", **more: Any,
) -> Page:  # fmt: skip
    """A page of whoever may send bulk messages."""
    return Page(path, name, show=show, act=act, right=right, kind="campaign", **more)


def own(visit: Visit) -> Draft:
    """
    The draft of the address.

    Raises:
        NotFound: there is none, or it is another's
    """
    return get_draft(visit.parts.record, visit.path["number"], visit.person.name)


def at(draft: Draft, part: str = "") -> str:
    """The address of a page of it."""
    return f"/messages/drafts/{draft.id}" + (f"/{part}" if part else "")


def changed(visit: Visit, values: Mapping[str, Any], **columns: Any) -> Draft:
    """Choose these values; a file that is not needed any more goes."""
    before = own(visit)
    after = change(
        visit.parts.record, visit.parts.clock, before.id, visit.person.name, values, **columns
    )
    if before.file and after.file != before.file:
        remove_upload(visit.parts.settings.home, before.file)
    return after


def shown(
    visit: Visit, template: str, draft: Draft, title: str, errors: Errors, **values: Any
) -> Response:
    """A page of it; with errors it is answered as one that was not taken."""
    return visit.show(
        f"compose/{template}.jinja", title=title, status=422 if errors else 200, draft=draft,
        asked=draft.asked, at=at(draft), errors=errors, wrong={one["href"][1:]: one["text"] for one in errors},
        **values,
    )  # fmt: skip


def error(field: str, text: str) -> dict[str, str]:
    """What is wrong with a field, as the summary and the field say it."""
    return {"text": text, "href": f"#{field}"}


def refusal(field: str, says: str) -> dict[str, str]:
    """The same of a refusal's sentence, which begins and ends as it likes."""
    return error(field, says[:1].upper() + says[1:])
