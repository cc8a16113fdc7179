"""Which template says the same in another language or format (NEW-32)."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.errors import NotFound, TemplateRefused
from clinic.message.needs.naming import name_variant, named_variants
from clinic.message.needs.words import FORMAT_NAMES
from clinic.message.template.catalogue import get_versions, list_templates
from desk.web.items import items
from desk.web.page import Page
from desk.web.visit import Visit


def _form(visit: Visit, *, fault: str = "") -> Response:
    record, key = visit.desk.parts.record, visit.path["key"]
    one = get_versions(record, key)[0]
    others = {each.key: each.name for each in list_templates(record) if each.key != key}
    return visit.show(
        "templates/variant.jinja", title=f"{one.name} in another language or format",
        status=422 if fault else 200, one=one, found=named_variants(record, key),
        others=items(others, "Choose"), formats=items(FORMAT_NAMES[:-1], "the language alone"),
        says={name: visit.said(name) for name in ("other", "language", "form")},
        errors=[{"text": fault, "href": "#language"}] if fault else [],
    )  # fmt: skip


def _name(visit: Visit) -> Response:
    parts, key = visit.parts, visit.path["key"]
    get_versions(parts.record, key)  # what is not there is not answered
    language, form = visit.said("language").strip(), visit.said("form")
    try:
        name_variant(
            parts.record, parts.clock, visit.said("other"), of=key, language=language, form=form,
            by=visit.person.name,
        )  # fmt: skip
    except NotFound:
        return _form(visit, fault="Choose the template that says it.")
    except TemplateRefused as refused:
        return _form(visit, fault=refused.says)
    return visit.go(f"/templates/{key}")


PAGES: Final = (
    Page("/templates/{key}/variant", "template variant", show=_form, act=_name, right="send"),
)
