"""
From a report to a bulk message: a list of those who were ticked, or of all; then the type, then the template.

    ticked or all ──► list ──► type ──► template ──► a draft of a bulk message, which is checked and sent as any

A batch refers to one type and one template (ARC-2, ARC-5). Nothing is sent here (ARC-6).
"""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Final

from starlette.responses import Response

from clinic.change.selection.common import take_common
from clinic.cohort.rows import ListSource, get_list
from clinic.errors import CohortRefused, ListRefused, NotAllowed, NotFound
from clinic.govern.tied import require_subject
from clinic.message.drafts.draft import begin, change
from clinic.message.template.catalogue import list_templates
from desk.staff.reports.choosing import common_of, report
from desk.web.items import items
from desk.web.page import Page
from desk.web.visit import Visit

_UUID: Final = re.compile(r"[0-9a-f-]{36}")
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def _take(visit: Visit) -> Response:
    said = {name: visit.said(name) for name in ("group", "status", "facility", "provider")}
    common = common_of(said)
    if not common.is_anything:
        return report(visit, said, fault="Choose what the patients have in common.")
    ticked = [str(each) for each in visit.form.getlist("picked")]
    picked = [int(each) for each in ticked if _NUMBER.fullmatch(each)]
    whole = visit.said("do") == "all"
    parts = visit.parts
    try:
        number = take_common(
            parts.record, parts.clock, visit.desk.settings(), common, None if whole else picked,
            request_key=_key(visit.said("key"), [] if whole else picked), name=visit.said("name").strip(),
            by=visit.person.name,
        )  # fmt: skip
    except CohortRefused as refused:
        return report(visit, said, fault=refused.says, at="patients")
    except NotFound:  # nothing is called so; the report says which there are
        return report(visit, said)
    except ListRefused:
        return report(visit, said, fault="Give the list a name.", at="name")
    return visit.go(f"/reports/lists/{number}")


def _key(form: str, picked: list[int]) -> str:
    """The same form sent twice makes one list; other ticks make another."""
    own = form if _UUID.fullmatch(form) else str(uuid.uuid4())
    ticks = hashlib.sha256(",".join(map(str, sorted(picked))).encode()).hexdigest()[:16]
    return f"desk-{own}-{ticks}"


def _own(visit: Visit) -> ListSource:
    with visit.desk.parts.record.read() as connection:
        found = get_list(connection, visit.path["number"])
        require_subject(connection, visit.person.name, "list", found.id)
    return found


def _menu(visit: Visit, fault: str = "") -> Response:
    found = _own(visit)
    templates = list_templates(visit.desk.parts.record)
    of_type = visit.query.get("type", "") or visit.said("type")
    types = sorted({one.message_type for one in templates})
    chosen = {one.key: one.name for one in templates if one.message_type == of_type}
    return visit.show(
        "reports/menu.jinja", title="Which message?", status=422 if fault else 200, one=found,
        types=items(types), of_type=of_type if chosen else "", templates=items(chosen),
        errors=[{"text": fault, "href": "#template"}] if fault else [],
    )  # fmt: skip


def _hand_over(visit: Visit) -> Response:
    """A draft with the list and the template in it; its owner goes on there."""
    found, parts, name = _own(visit), visit.parts, visit.person.name
    known = {one.key: one for one in list_templates(parts.record)}
    one = known.get(visit.said("template"))
    if one is None or one.message_type != visit.said("type"):
        return _menu(visit, "Choose a template.")
    if not found.rows:
        raise NotAllowed("nobody-found", "nobody is in this list: choose patients again")
    draft = begin(parts.record, parts.clock, name)
    values = {"list_name": found.name, "source": "list", "template": one.key}
    change(
        parts.record, parts.clock, draft, name, values, list_id=found.id, rows=found.rows, file=None
    )
    return visit.go(f"/messages/drafts/{draft}")


PAGES: Final = (
    Page("/reports/take", "take report", act=_take, right="send", kind="campaign"),
    Page(
        "/reports/lists/{number:int}", "outreach menu", show=_menu, act=_hand_over, right="send",
        kind="campaign",
    ),
)  # fmt: skip
