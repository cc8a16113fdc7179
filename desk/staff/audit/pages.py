"""The trail in pages, its export, and the looks that somebody should ask about."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from clinic.errors import NotFound
from clinic.govern.access.look import Look, count_changed
from clinic.govern.access.odd import ODD, SUBJECT, odd_looks
from clinic.govern.access.who_saw import TRAIL
from clinic.govern.audit_read.export import export_trail
from clinic.govern.audit_read.read import Folded, folded
from clinic.message.drafts.uploads import spool_folder
from desk.staff.audit.asked import FIELDS, Typed, typed_of
from desk.web.page import Page
from desk.web.visit import Visit

_ROWS: Final = 50
_MOST_PAGES: Final = 100
_WEEK: Final = timedelta(days=7)


def _show(visit: Visit) -> Response:
    """Who did what, the newest first: no patient's value is in it."""
    return _page(visit, visit.query)


def _page(visit: Visit, said: Any) -> Response:
    try:
        typed = typed_of(visit, said)
    except NotFound as unknown:
        known = {name: said.get(name, "") for name in FIELDS}
        return _shown(
            visit, Typed(known, typed_of(visit, {"by": visit.person.name}).asked, unknown.says)
        )
    return _shown(visit, typed)


def _shown(visit: Visit, typed: Typed) -> Response:
    page = visit.query.get("page", "")
    number = (
        min(int(page), _MOST_PAGES) if page.isascii() and page.isdecimal() and page != "0" else 1
    )
    rows: list[Folded] = []
    hidden = 0
    if not typed.fault:
        with visit.desk.parts.record.read() as connection:
            rows, hidden = folded(connection, typed.asked, limit=number * _ROWS + 1)
    more = len(rows) > number * _ROWS and number < _MOST_PAGES
    said = {name: value for name, value in typed.said.items() if value}
    return visit.show(
        "audit/list.jinja", title="Audit trail", rows=rows[(number - 1) * _ROWS : number * _ROWS],
        hidden=hidden, typed=typed.said, page=number, more=more, here_with=urlencode(said),
        status=422 if typed.fault else 200,
        errors=[{"text": typed.fault, "href": "#operation"}] if typed.fault else [],
    )  # fmt: skip


def _export(visit: Visit) -> Response:
    """With old and new values; that it is taken is on the trail and in the access log before it leaves."""
    typed = typed_of(visit, {name: visit.said(name) for name in FIELDS})
    if typed.fault:
        return _shown(visit, typed)
    parts, asked = visit.desk.parts, typed.asked
    home = parts.settings.home
    with parts.record.read() as connection:
        number = asked.subject_id if asked.subject == "operation" else None
        count = count_changed(connection, number)
    visit.looked(Look(asked.subject or TRAIL, asked.subject_id, count))
    # Where it is tidied up, too, if this is killed before it has left
    folder = Path(tempfile.mkdtemp(dir=spool_folder(home)))
    path = folder / "audit.csv"
    try:
        export_trail(parts.record, parts.clock, path, form="csv", asked=asked, by=visit.person)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        path, media_type="text/csv", filename=path.name, content_disposition_type="attachment",
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )  # fmt: skip


def _odd(visit: Visit) -> Response:
    """Looks of the last week that somebody should ask about: staff and times, no patient."""
    parts, settings = visit.desk.parts, visit.desk.settings()
    now, zone = parts.clock.now(), ZoneInfo(settings.organisation.time_zone)
    with parts.record.read() as connection:
        found = odd_looks(connection, settings.access, zone, since=now - _WEEK, until=now)
    visit.looked(Look(SUBJECT))
    return visit.show(
        "audit/odd.jinja", title="Looks to ask about", found=found,
        kinds={kind: ODD[kind] for kind in dict.fromkeys(one.why for one in found)},
    )  # fmt: skip


PAGES: Final = (
    Page("/audit", "audit", show=_show, right="audit"),
    Page("/audit/export", "audit export", act=_export, right="audit", whole=True),
    Page("/audit/odd-looks", "odd looks", show=_odd, right="audit"),
)
