"""
Make a template, or a new version of one: with the count as one types, and a preview before it is kept.

What was sent keeps the version that it was sent with. A form that was opened before somebody else made another
version is told so: their text is not overwritten unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from clinic.errors import CohortRefused, NotFound, TemplateRefused
from clinic.message.asking.drafting import findings_in
from clinic.message.template.catalogue import TemplateText, add_template, get_versions
from clinic.message.template.next_version import Typed, next_template
from clinic.message.template.purpose import typed_purpose
from clinic.message.template.unlisted import sample_message
from clinic.values.purposes import PURPOSES
from desk.staff.counting import counted
from desk.web.items import items
from desk.web.page import Page
from desk.web.visit import Visit

_FIELDS: Final = ("key", "name", "message_type", "purpose", "subject", "body")
# Of a fault, by its code: the field that it is of
_PLACES: Final = {
    "template-key": "key", "template-taken": "key", "template-subject": "subject", "purpose-missing": "purpose",
    "purpose-unknown": "purpose",
}  # fmt: skip

_PURPOSES: Final = {name: f"{name}: {one.says}" for name, one in PURPOSES.items()}


@dataclass(frozen=True)
class _Preview:
    """As a patient would get it. findings: what the content gate would ask about"""

    subject: str
    body: str
    findings: list[str]


def _new(visit: Visit) -> Response:
    return _form(visit, dict.fromkeys(_FIELDS, "") | {"message_type": "invitation"})


def _edit(visit: Visit) -> Response:
    one = _newest(visit)
    says = {name: getattr(one, name) or "" for name in _FIELDS}
    return _form(visit, says, one=one)


def _newest(visit: Visit) -> TemplateText:
    return get_versions(visit.desk.parts.record, visit.path["key"])[0]


def _form(
    visit: Visit, says: Mapping[str, str], *, one: TemplateText | None = None, fault: str = "",
    at: str = "body", preview: _Preview | None = None,
) -> Response:  # fmt: skip
    title = f"Edit {one.name}" if one else "New template"
    return visit.show(
        "templates/edit.jinja", title=title, status=422 if fault else 200, says=says, one=one,
        counted=counted(visit, says["body"]), purposes=items(_PURPOSES, "Choose"), preview=preview, at=at,
        fault=fault,
        errors=[{"text": fault, "href": f"#{at}"}] if fault else [],
    )  # fmt: skip


def _add(visit: Visit) -> Response:
    says = _said(visit)
    if not says["key"]:
        return _form(visit, says, fault="Write a key: commands and reports call it so.", at="key")
    try:
        get_versions(visit.desk.parts.record, says["key"])
    except NotFound:
        return _take(visit, says, None)
    fault = f"There is a template {says['key']} already: choose another key, or edit that one."
    return _form(visit, says, fault=fault, at="key")


def _add_version(visit: Visit) -> Response:
    one = _newest(visit)
    says = _said(visit) | {"key": one.key, "name": one.name, "message_type": one.message_type}
    if visit.said("version") != str(one.version):
        fault = (
            f"{one.created_by} made version {one.version} since you opened this page. Copy your text, load "
            "the page again and write it into theirs."
        )
        return _form(visit, says, one=one, fault=fault)
    return _take(visit, says, one)


def _take(visit: Visit, says: dict[str, str], one: TemplateText | None) -> Response:
    """Count, preview or keep: as the button says."""
    parts, do = visit.parts, visit.said("do")
    if do == "count":
        return _form(visit, says, one=one)
    try:
        if do == "preview":
            return _form(visit, says, one=one, preview=_previewed(visit, says, one))
        typed = Typed(
            says["body"], says["subject"], says["name"] or None, says["message_type"] or None,
            says["purpose"] or None,
        )  # fmt: skip
        new = next_template(parts.record, says["key"], typed)
        add_template(parts.record, parts.clock, new, by=visit.person.name)
    except (TemplateRefused, CohortRefused) as refused:
        return _form(visit, says, one=one, fault=refused.says, at=_PLACES.get(refused.code, "body"))
    return visit.go(f"/templates/{says['key']}")


def _previewed(visit: Visit, says: Mapping[str, str], one: TemplateText | None) -> _Preview:
    settings, now = visit.desk.settings(), visit.desk.parts.clock.now()
    subject, body = says["subject"], says["body"]
    findings = findings_in(
        settings, now, body, subject, purpose=typed_purpose(says["purpose"] or None, "the template"),
        classes=one.audience.classes if one else (),
    )  # fmt: skip
    shown = sample_message(subject, settings.organisation, now) if subject.strip() else ""
    return _Preview(shown, sample_message(body, settings.organisation, now), findings)


def _said(visit: Visit) -> dict[str, str]:
    """The form; line ends as everywhere else."""
    says = {name: visit.said(name).replace("\r\n", "\n") for name in _FIELDS}
    return says | {name: says[name].strip() for name in _FIELDS if name != "body"}


PAGES: Final = (
    Page("/templates/_new", "new template", show=_new, act=_add, right="send"),
    Page("/templates/{key}/edit", "edit template", show=_edit, act=_add_version, right="send"),
)
