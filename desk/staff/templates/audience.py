"""Whom a template is for: its classes, and the bounds of its patients (NEW-28). Said of a locked one, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from clinic.errors import TemplateRefused
from clinic.message.audience.audience import Audience
from clinic.message.audience.bounds import SEXES, age_range
from clinic.message.audience.classes import CLASSES, GENERAL
from clinic.message.template.catalogue import TemplateText, add_template, get_versions
from clinic.message.template.next_version import ForWhom, next_audience
from desk.web.items import items
from desk.web.page import Page
from desk.web.visit import Visit

_LINES: Final = ("not_if_coded", "exclude_codes", "exclude_groups")


def _show(visit: Visit) -> Response:
    one = _newest(visit)
    return _form(visit, one, _as_typed(one.audience), one.audience.classes)


def _newest(visit: Visit) -> TemplateText:
    return get_versions(visit.desk.parts.record, visit.path["key"])[0]


def _as_typed(audience: Audience) -> dict[str, str]:
    bounds = audience.bounds
    has_age = bounds.age_from is not None or bounds.age_to is not None
    return {
        "sex": bounds.sex or "any",
        "age": age_range(bounds.age_from, bounds.age_to) if has_age else "any",
        "not_if_coded": "\n".join(one.written() for one in bounds.not_if_coded),
        "exclude_codes": "\n".join(one.written() for one in bounds.exclude_codes),
        "exclude_groups": "\n".join(bounds.exclude_groups),
    }


def _form(
    visit: Visit, one: TemplateText, says: Mapping[str, str], own: Any, fault: str = ""
) -> Response:
    classes = [
        {"value": name, "text": name, "hint": {"text": hint}, "checked": name in own}
        for name, hint in CLASSES.items()
    ]
    return visit.show(
        "templates/audience.jinja", title=f"Whom {one.name} is for", status=422 if fault else 200, one=one,
        says=says, classes=classes, sexes=items(("any", *SEXES)),
        errors=[{"text": fault, "href": "#sex"}] if fault else [],
    )  # fmt: skip


def _keep(visit: Visit) -> Response:
    one, parts = _newest(visit), visit.parts
    says = {name: visit.said(name).strip() for name in ("sex", "age", *_LINES)}
    own = [str(each) for each in visit.form.getlist("classes")]
    lines = {name: _lines(says[name]) or ["none"] for name in _LINES}
    said = ForWhom(
        own or [GENERAL], says["sex"] or "any", says["age"] or "any", lines["not_if_coded"],
        lines["exclude_codes"], lines["exclude_groups"],
    )  # fmt: skip
    try:
        new = next_audience(parts.record, one.key, said)
        add_template(parts.record, parts.clock, new, by=visit.person.name)
    except TemplateRefused as refused:
        return _form(visit, one, says, own, refused.says)
    return visit.go(f"/templates/{one.key}")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


PAGES: Final = (Page("/templates/{key}/for", "template for", show=_show, act=_keep, right="send"),)
