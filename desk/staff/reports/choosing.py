"""Patients by what they have in common, to tick more than one or take all of them (ARC-1, ARC-3, ARC-4)."""

from __future__ import annotations

import uuid
from typing import Final

from starlette.responses import Response

from clinic.change.selection.common import Common, list_common
from clinic.change.selection.search import Found
from clinic.errors import NotFound
from clinic.govern.access.look import at_some
from clinic.practice.groups import list_groups
from clinic.practice.places import list_places
from desk.web.items import items
from desk.web.page import Page
from desk.web.visit import Visit

_SHOWN: Final = 100


def common_of(said: dict[str, str]) -> Common:
    """What was chosen; codes, which name no patient."""
    return Common(said["group"], said["status"], said["facility"], said["provider"])


def _show(visit: Visit) -> Response:
    names = ("group", "status", "facility", "provider")
    return report(visit, {name: visit.query.get(name, "").strip()[:40] for name in names})


def report(visit: Visit, said: dict[str, str], *, fault: str = "", at: str = "group") -> Response:
    """The report, with the patients of what was chosen; `fault`: of the form below it."""
    record, settings = visit.desk.parts.record, visit.desk.settings()
    common, found, count = common_of(said), list[Found](), 0
    if common.is_anything:
        try:
            found, count = list_common(record, settings, common, by=visit.person.name, limit=_SHOWN)
        except NotFound as unknown:
            fault, at = f"{unknown.says[:1].upper()}{unknown.says[1:]}.", "group"
    if found:
        visit.looked(at_some("search", [each.id for each in found]))
    groups = {one.code: f"{one.name} ({one.members:,})" for one in list_groups(record)}
    places = {
        sort: {one.code: one.name for one in list_places(record, sort) if one.active}
        for sort in ("facility", "provider")
    }
    return visit.show(
        "reports/choose.jinja", title="Reports", status=422 if fault else 200, said=said, found=found,
        count=count, asked=common.is_anything, groups=items(groups, "Any"),
        statuses=items(settings.organisation.statuses, "Any"), facilities=items(places["facility"], "Any"),
        providers=items(places["provider"], "Any"), key=str(uuid.uuid4()), picked=visit.form.getlist("picked"),
        name=visit.said("name"), fault=fault, at=at,
        errors=[{"text": fault, "href": f"#{at}"}] if fault else [],
    )  # fmt: skip


PAGES: Final = (Page("/reports", "reports", show=_show, right="send", kind="campaign"),)
