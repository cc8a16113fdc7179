"""ALC-38: put back what an operation changed, for everybody or for some."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.responses import Response

from clinic.change.asking.asking import ask_undo
from clinic.change.operations import get_operation
from clinic.change.selection.choosing import of_text
from clinic.change.selection.selection import take
from clinic.errors import MendableError, NotFound
from desk.web.theirs import require_theirs
from desk.web.visit import Visit


def show_undo(visit: Visit) -> Response:
    """GET: why, and for whom."""
    return _show(visit)


def ask_back(visit: Visit) -> Response:
    """Planned as an operation of its own, which another person approves."""
    parts, settings, number = visit.desk.parts, visit.desk.settings(), visit.path["number"]
    require_theirs(visit, "operation", number)
    get_operation(parts.record, number)
    if not visit.said("reason").strip():
        return _show(visit, fault="Say why it is put back", field="reason")
    try:
        selection = None
        if ids := visit.said("ids").strip():
            part = of_text(ids)
            selection = take(
                parts.record, parts.clock, settings, [part], taken_by=visit.person.name
            ).id
        undo = ask_undo(
            parts.record, parts.clock, settings, visit.person, of=number, reason=visit.said("reason"),
            request_key=f"desk-{visit.said('key')}", selection_id=selection,
            partly=visit.said("partly") == "yes",
        )  # fmt: skip
    except NotFound:
        raise
    except MendableError as refusal:
        return _show(
            visit, fault=refusal.says, field="ids" if visit.said("ids").strip() else "reason"
        )
    return visit.go(f"/operations/{undo}")


def _show(visit: Visit, *, fault: str = "", field: str = "") -> Response:
    number = visit.path["number"]
    require_theirs(visit, "operation", number)
    found = get_operation(visit.desk.parts.record, number)
    errors: list[dict[str, Any]] = [{"text": fault, "href": f"#{field}"}] if fault else []
    return visit.show(
        "operations/undo.jinja", title=f"Put back operation {number}", found=found, errors=errors,
        status=422 if fault else 200, key=visit.said("key") or uuid.uuid4().hex, reason=visit.said("reason"),
        ids=visit.said("ids"), partly=visit.said("partly"),
    )  # fmt: skip
