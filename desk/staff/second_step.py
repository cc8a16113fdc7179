"""A second step at sign-in, set up by the person themself: a picture for their device, then its first code."""

from __future__ import annotations

import io
from typing import Final

import segno
from starlette.responses import Response

from clinic.errors import NotAllowed
from clinic.govern.people.second_step import (
    ask_second_step,
    confirm_second_step,
    is_enrolled,
)
from desk.staff.proof import prove_again
from desk.web.page import Page
from desk.web.visit import Visit


def _show(visit: Visit, *, fault: str = "", field: str = "password") -> Response:
    with visit.desk.parts.record.read() as connection:
        enrolled = is_enrolled(connection, visit.person.name)
    return visit.show(
        "second_step.jinja", title="Second step", status=403 if fault else 200, enrolled=enrolled,
        errors=[{"text": fault, "href": f"#{field}"}] if fault else [],
    )  # fmt: skip


def _begin(visit: Visit) -> Response:
    """The picture is made once, for who gave their password just now; it stands on this page alone."""
    parts = visit.desk.parts
    try:
        prove_again(visit)
    except NotAllowed as refusal:
        return _show(visit, fault=refusal.says)
    address = ask_second_step(parts.record, parts.clock, visit.person.name)
    return _ask_code(visit, address)


def _ask_code(visit: Visit, address: str) -> Response:
    picture = io.BytesIO()
    segno.make(address, micro=False).save(
        picture, kind="svg", scale=6, xmldecl=False, title="QR code"
    )
    return visit.show(
        "second_step_code.jinja", title="Second step: your device", picture=picture.getvalue().decode(),
        address=address,
    )  # fmt: skip


def _confirm(visit: Visit) -> Response:
    parts = visit.desk.parts
    try:
        confirm_second_step(parts.record, parts.clock, visit.person.name, visit.said("code"))
    except NotAllowed as refusal:
        return _show(visit, fault=f"{refusal.says} Begin once more below.")
    return visit.go("/second-step")


PAGES: Final = (
    Page("/second-step", "second step", show=_show, act=_begin),
    Page("/second-step/code", "second step code", act=_confirm),
)
