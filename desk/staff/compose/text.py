"""Step 2: what. A text or a template, by which way, with its segments as one types (PAT-10 to 13)."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from clinic.errors import NotFound
from clinic.gateway.choose import has_gateway
from clinic.message.drafts.codes import says_of_code
from clinic.message.drafts.draft import Draft
from clinic.message.template.catalogue import get_versions, list_templates
from clinic.settings import Settings
from clinic.values.purposes import PURPOSES
from desk.staff.compose.own import AT, Errors, at, changed, error, own, page, refusal, shown
from desk.staff.counting import counted
from desk.web.visit import Visit

_TITLE: Final = "What you want to say"
_WAYS: Final = {"sms": "Text message (SMS)", "email": "Email", "voice": "Phone call"}


def _show(visit: Visit) -> Response:
    draft = own(visit)
    asked = draft.asked
    typed = {**asked.model_dump(), "what": "template" if asked.template else "text"}
    return _page(visit, draft, [], typed)


def _page(visit: Visit, draft: Draft, errors: Errors, typed: dict[str, Any]) -> Response:
    settings, record = visit.parts.settings, visit.parts.record
    codes = [(code, says_of_code(settings, code)) for code in draft.asked.snomed_codes]
    return shown(
        visit, "text", draft, _TITLE, errors, typed=typed, ways=_ways(settings), codes=codes,
        templates=list_templates(record, search=typed.get("q", "")), purposes=PURPOSES,
        counted=counted(visit, typed["text"]), chosen=_template(visit, typed["template"]),
    )  # fmt: skip


def _template(visit: Visit, key: str) -> dict[str, Any]:
    """A template's text and its count, once one is chosen."""
    try:
        text = get_versions(visit.parts.record, key)[0].body if key else ""
    except NotFound:
        text = ""
    return {"text": text, "counted": counted(visit, text)}


def _ways(settings: Settings) -> list[dict[str, str]]:
    """The ways of this practice; which of them has no gateway is said."""
    none = "No gateway is set up for it"
    return [
        {"value": way, "text": _WAYS[way], "hint": "" if _is_there(settings, way) else none}
        for way in settings.organisation.channels
    ]


def _is_there(settings: Settings, way: str) -> bool:
    return has_gateway(settings, way) or settings.outbox


def _choose(visit: Visit) -> Response:
    draft = own(visit)
    typed = _typed(visit)
    then = visit.said("then")
    if then == "search":
        return _page(visit, draft, [], {**typed, "what": "template"})
    if then == "show" or visit.said("do") == "count":
        return _page(visit, draft, [], typed)
    errors = Errors()
    values = _values(visit, typed, errors)
    if errors:
        return _page(visit, draft, errors, typed)
    draft = changed(visit, values)
    if then == "code":
        return visit.go(at(draft, "code"))
    return visit.go(at(draft) if draft.asked.timing else at(draft, "when"))


def _typed(visit: Visit) -> dict[str, Any]:
    names = ("what", "channel", "subject", "purpose", "template", "q")
    found: dict[str, Any] = {name: visit.said(name).strip() for name in names}
    # A browser sends lines as CR LF: a text would be longer by each of them, and never the same again
    text = visit.said("body").replace("\r\n", "\n").replace("\r", "\n")
    return {**found, "text": text.strip("\n"), "save_to_record": bool(visit.said("save_to_record"))}


def _values(visit: Visit, typed: dict[str, Any], errors: Errors) -> dict[str, Any]:
    settings = visit.parts.settings
    if typed["channel"] not in settings.organisation.channels:
        errors.append(error("channel", "Choose how it is sent"))
    values = {"channel": typed["channel"], "save_to_record": typed["save_to_record"]}
    if typed["what"] == "template":
        _require_template(visit, typed, errors)
        return {**values, "template": typed["template"], "text": "", "subject": "", "purpose": ""}
    _require_text(visit, typed, errors)
    own_words = {name: typed[name] for name in ("text", "purpose")}
    subject = typed["subject"] if typed["channel"] == "email" else ""
    return {**values, "template": "", "subject": subject, **own_words}


def _require_template(visit: Visit, typed: dict[str, Any], errors: Errors) -> None:
    if not typed["template"]:
        errors.append(error("template", "Choose a template"))
        return
    try:
        get_versions(visit.parts.record, typed["template"])
    except NotFound:
        errors.append(error("template", "There is no such template: choose another"))


def _require_text(visit: Visit, typed: dict[str, Any], errors: Errors) -> None:
    found = counted(visit, typed["text"])
    most = visit.parts.settings.organisation.most_segments
    if found is None:
        errors.append(error("body", "Write the message"))
    elif found.fault:
        errors.append(refusal("body", found.fault))
    elif typed["channel"] == "sms" and found.segments.count > most:
        errors.append(
            error(
                "body", f"It takes more than the {most} text messages that may be sent: shorten it"
            )
        )
    if typed["purpose"] not in PURPOSES:
        errors.append(error("purpose", "Choose what the message is for"))
    if typed["channel"] == "email" and not typed["subject"]:
        errors.append(error("subject", "Write the subject of the email"))


def _shown_template(visit: Visit) -> Response:
    """The text of the template that is chosen, with its count, while somebody chooses."""
    own(visit)
    return visit.part(
        "compose/template_part.jinja", chosen=_template(visit, visit.said("template"))
    )


PAGES: Final = (
    page(f"{AT}/text", "draft text", _show, _choose),
    page(f"{AT}/template", "draft template", act=_shown_template),
)
