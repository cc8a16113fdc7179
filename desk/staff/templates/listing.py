"""The catalogue of templates, and one of them: its text, whom it is for, variants, versions (ARC-2, ACX-9)."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.message.audience.classes import CLASSES, GENERAL
from clinic.message.audience.groups import missing_groups
from clinic.message.needs.naming import named_variants
from clinic.message.template.catalogue import TemplateText, get_versions, list_templates
from clinic.message.template.variables import ALLOWED
from clinic.values.purposes import PURPOSES
from desk.staff.counting import counted
from desk.web.items import items
from desk.web.page import Page
from desk.web.visit import Visit


def _list(visit: Visit) -> Response:
    query = {name: visit.query.get(name, "").strip() for name in ("q", "purpose", "class")}
    found = [
        each
        for each in list_templates(visit.desk.parts.record, search=query["q"])
        if _is_wanted(each, query["purpose"], query["class"])
    ]
    return visit.show(
        "templates/list.jinja", title="Templates", found=found, asked=query,
        purposes=items(tuple(PURPOSES), "Any"),
        classes=items((GENERAL, *CLASSES), "Any"), may_send=visit.has("send"),
    )  # fmt: skip


def _is_wanted(each: TemplateText, purpose: str, of_class: str) -> bool:
    if purpose and each.purpose != purpose:
        return False
    own = each.audience.classes
    return not of_class or (of_class == GENERAL and not own) or of_class in own


def _show(visit: Visit) -> Response:
    record, key = visit.desk.parts.record, visit.path["key"]
    versions = get_versions(record, key)
    newest = versions[0]
    with record.read() as connection:
        missing = missing_groups(connection, newest.audience.bounds)
    return visit.show(
        "templates/show.jinja", title=newest.name, one=newest, versions=versions,
        counted=counted(visit, newest.body), needs=needs_of(newest), missing=missing,
        variants=named_variants(record, key), may_send=visit.has("send"),
    )  # fmt: skip


def needs_of(one: TemplateText) -> list[str]:
    """What each patient must have for it; the practice has its own."""
    return [name for name in one.variables if not name.startswith("organisation.")]


def _variables(visit: Visit) -> Response:
    return visit.show("templates/variables.jinja", title="Variables", found=sorted(ALLOWED))


PAGES: Final = (
    Page("/templates", "templates", show=_list, right="view"),
    # No key of a template has an underscore
    Page("/templates/_variables", "template variables", show=_variables, right="view"),
    Page("/templates/{key}", "template", show=_show, right="view"),
)
