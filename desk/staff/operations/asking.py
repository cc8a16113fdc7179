"""What is to be done with a selection, and why: then it is planned, and looked at before anybody is asked."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final

from starlette.responses import Response

from clinic.change.asking.asking import ask
from clinic.change.core.outcomes import DUPLICATE, SELECTED
from clinic.change.kinds.table import KINDS, notice_of, title_of
from clinic.change.selection.given import count_selected, given_counts, given_sentence, read_given
from clinic.errors import MendableError
from desk.staff.operations.parameters import choices, said_of, several
from desk.web.theirs import require_theirs
from desk.web.visit import Visit

_SHOWN: Final = 20
_TICKED: Final = ("to", "add", "remove")
_TYPED: Final = (
    "to", "by", "visits", "provider", "field", "what", "value", "was", "format", "purpose", "recipient",
    "encrypt_to", "type", "from", "minutes", "between", "per_day", "repeat", "reason",
)  # fmt: skip


def show_selection(visit: Visit) -> Response:
    """Whom it has, which ids select nobody and why, and what this role may ask for (ALC-44)."""
    record, number = visit.desk.parts.record, visit.path["number"]
    require_theirs(visit, "selection", number)
    return visit.show(
        "operations/selection.jinja", title="New bulk operation: what", number=number,
        selected=count_selected(record, number), sentence=given_sentence(record, number),
        counts=given_counts(record, number, named=0),
        not_selected=list(read_given(record, number, but=(SELECTED, DUPLICATE), limit=_SHOWN)),
        kinds=[(kind, title_of(kind)) for kind in KINDS if visit.may("request", kind)],
    )  # fmt: skip


def form_of(kind: str) -> Callable[[Visit], Response]:
    """GET: the form of this kind."""
    return lambda visit: _show(visit, kind)


def ask_for(kind: str) -> Callable[[Visit], Response]:
    """POST: stored and planned; the same form sent twice is one operation."""

    def act(visit: Visit) -> Response:
        parts, number = visit.desk.parts, visit.path["number"]
        require_theirs(visit, "selection", number)
        if not visit.said("reason").strip():
            return _show(visit, kind, fault="Say why: the approver reads it", field="reason")
        try:
            asked = ask(
                parts.record, parts.clock, visit.desk.settings(), visit.person, kind=kind,
                selection_id=number, parameters=said_of(visit, kind), reason=visit.said("reason"),
                request_key=f"desk-{visit.said('key') or uuid.uuid4().hex}",
            )  # fmt: skip
        except MendableError as refusal:
            return _show(visit, kind, fault=refusal.says, field="what-to-do")
        return visit.go(f"/operations/{asked}")

    return act


def _show(visit: Visit, kind: str, *, fault: str = "", field: str = "") -> Response:
    record, number = visit.desk.parts.record, visit.path["number"]
    require_theirs(visit, "selection", number)
    typed: dict[str, Any] = {name: visit.said(name) for name in _TYPED}
    return visit.show(
        "operations/ask.jinja", title=f"New bulk operation: {title_of(kind).lower()}", kind=kind,
        status=422 if fault else 200, errors=[{"text": fault, "href": f"#{field}"}] if fault else [],
        number=number, selected=count_selected(record, number), notice=notice_of(kind), typed=typed,
        ticked={name: several(visit, name) for name in _TICKED}, key=visit.said("key") or uuid.uuid4().hex,
        **choices(visit, kind),
    )  # fmt: skip
