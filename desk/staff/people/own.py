"""One's own password, changed by the old one: the first was given by an admin, who knows it until then."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.errors import NotAllowed
from clinic.govern.audit.anchor import anchor_of, write_anchor
from clinic.govern.people.new_secret import set_secret
from desk.staff.proof import prove_again
from desk.web.page import Page
from desk.web.visit import Visit


def _form(visit: Visit, *, fault: str = "", at: str = "password", status: int = 200) -> Response:
    return visit.show(
        "people/password.jinja", title="Your password", status=status,
        errors=[{"text": fault, "href": f"#{at}"}] if fault else [],
    )  # fmt: skip


def _change(visit: Visit) -> Response:
    new, parts = visit.said("new_password"), visit.parts
    if new != visit.said("again"):
        return _form(visit, fault="The two new passwords differ.", at="new_password", status=422)
    try:
        by = prove_again(visit)
        set_secret(parts.record, parts.clock, name=by.name, secret=new, by=by)
    except NotAllowed as refused:
        at = "new_password" if refused.code == "secret-too-short" else "password"
        return _form(visit, fault=refused.says, at=at, status=403)
    write_anchor(parts.record, anchor_of(visit.desk.settings()))
    return visit.go("/sign-in")  # all sign-ins ended with the old one


PAGES: Final = (Page("/password", "own password", show=_form, act=_change),)
