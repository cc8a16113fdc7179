"""ALC-8: tell facilities, providers or the practice's own team of an operation, by e-mail."""

from __future__ import annotations

import uuid
from typing import Any, Final, cast, get_args

from starlette.responses import Response

from clinic.change.kinds.table import title_of
from clinic.change.operations import get_operation
from clinic.errors import MendableError, NotAllowed, NotFound
from clinic.govern.approvals.approvals import latest
from clinic.message.purposes import NOTICE
from clinic.notify.asking import ask_for
from clinic.notify.preparing import prepare_notice
from clinic.notify.ready import require_tellable
from clinic.notify.recipients import Audience, Told
from clinic.notify.request import NoticeRequest
from clinic.notify.texts import SUBJECT, TEXTS, keep_text
from desk.web.theirs import require_theirs
from desk.web.visit import Visit

_WHO: Final = (
    ("facility", "Facilities"),
    ("provider", "Providers"),
    ("internal", "The practice's own team"),
)
_LONGEST: Final = 150  # letters of a reason


def show_notify(visit: Visit) -> Response:
    """GET: who would be told, with which text."""
    return _show(visit, _audience(visit.query.get("to", "")))


def ask_to_tell(visit: Visit) -> Response:
    """Written and asked for at once; the same form sent twice is one notice."""
    parts, settings, number = visit.desk.parts, visit.desk.settings(), visit.path["number"]
    require_theirs(visit, "operation", number)
    to, reason = _audience(visit.said("to")), visit.said("reason").strip()
    if not 0 < len(reason) <= _LONGEST:
        fault = f"Say why they are to be told, in at most {_LONGEST} letters: the approver reads it"
        return _show(visit, to, fault=fault, field="reason")
    try:
        require_tellable(parts.record, settings, to, number)
        template = keep_text(
            parts.record, parts.clock, visit.said("text").replace("\r\n", "\n").strip() or TEXTS[to],
            subject=visit.said("subject").strip() or SUBJECT, purpose=NOTICE, by=visit.person.name,
        )  # fmt: skip
        request = NoticeRequest(
            operation_id=number, audience=to, reason=reason, template=template, requested_by=visit.person.name,
            request_key=f"desk-{visit.said('key')[:40] or uuid.uuid4().hex}",
        )  # fmt: skip
        ask_for(parts.record, parts.clock, settings, request, by=visit.person)
        notice = prepare_notice(parts.record, parts.clock, settings, request)
    except NotFound:
        raise
    except MendableError as refusal:
        return _show(visit, to, fault=refusal.says, field="text")
    with parts.record.read() as connection:
        waits = latest(connection, subject="campaign", subject_id=notice)
    return visit.go(f"/approvals/{waits.id}" if waits else f"/operations/{number}")


def _audience(said: str) -> Audience:
    return cast(Audience, said) if said in get_args(Audience) else "facility"


def _show(visit: Visit, to: Audience, *, fault: str = "", field: str = "") -> Response:
    parts, number = visit.desk.parts, visit.path["number"]
    require_theirs(visit, "operation", number)
    found = get_operation(parts.record, number)
    told: list[Told] = []
    why = ""
    try:
        _, told = require_tellable(parts.record, visit.desk.settings(), to, number)
    except (NotAllowed, MendableError) as refusal:
        why = refusal.says
    errors: list[dict[str, Any]] = [{"text": fault, "href": f"#{field}"}] if fault else []
    return visit.show(
        "operations/notify.jinja", title=f"Tell staff of operation {number}", found=found, told=told, why=why,
        what=title_of(found.kind), to=to, who=_WHO, errors=errors, status=422 if fault else 200,
        key=visit.said("key") or uuid.uuid4().hex, reason=visit.said("reason"),
        text=visit.said("text") or TEXTS[to], subject=visit.said("subject") or SUBJECT,
    )  # fmt: skip
