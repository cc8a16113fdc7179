"""Whom an operation concerns: by filter, search and pick, paste, file, group or an earlier selection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from starlette.datastructures import UploadFile
from starlette.responses import Response

from clinic.change.selection.choosing import of_file, of_group, of_patients, of_selection, of_text
from clinic.change.selection.search import find_patients
from clinic.change.selection.selection import filter_part, take
from clinic.change.selection.selection_parts import Part
from clinic.cohort.filters import PatientFilter
from clinic.errors import MendableError, OperationRefused
from clinic.govern.access.look import at_some
from clinic.message.drafts.uploads import keep_upload, path_of, remove_upload
from clinic.practice.groups import list_groups
from clinic.practice.places import list_places
from desk.staff.operations.parameters import several
from desk.web.theirs import require_theirs
from desk.web.visit import Visit

_SHOWN: Final = 50
"""How many of those found are shown to pick from."""
_MOST_PICKED: Final = 500
_TICKED: Final = ("status", "facility", "provider", "no_facility", "no_provider")


def show_new(visit: Visit) -> Response:
    """GET: the ways in which patients are named."""
    return _show(visit)


def choose(visit: Visit) -> Response:
    """Store whom the form names as a selection, which stays as it is; or show whom a search finds."""
    how = visit.said("how")
    if how == "search":
        return _found(visit)
    reads = _WAYS.get(how)
    if reads is None:
        return _show(visit, fault="Choose how you name the patients", field="how")
    parts, settings = visit.desk.parts, visit.desk.settings()
    try:
        taken = take(
            parts.record, parts.clock, settings, [reads(visit)], taken_by=visit.person.name
        )
    except MendableError as refusal:
        return _show(visit, fault=refusal.says, field=_FIELDS[how])
    return visit.go(f"/operations/new/{taken.id}")


def _found(visit: Visit) -> Response:
    """ALC-13. What was typed may be a patient's name: it is in no address."""
    text = visit.said("search").strip()
    if not text:
        return _show(visit, fault="Type a name, an id or a postcode", field="search")
    found = find_patients(visit.desk.parts.record, text, by=visit.person.name)
    if not found:
        return _show(visit, fault="No patient's name, id or postcode is like this", field="search")
    shown = found[:_SHOWN]
    visit.looked(at_some("search", [each.id for each in shown]))
    return visit.show(
        "operations/found.jinja",
        title="Tick the patients",
        found=shown,
        count=len(found),
        search=text,
    )


def _of_filter(visit: Visit) -> Part:
    """ALC-10."""
    wanted = PatientFilter(
        status=several(visit, "status"), facility=several(visit, "facility"),
        provider=several(visit, "provider"), registered_from=_day(visit, "from"),
        registered_to=_day(visit, "to"),
        without=tuple(name for name in ("facility", "provider") if visit.said(f"no_{name}") == "yes"),
    )  # fmt: skip
    if not wanted.criteria():
        raise OperationRefused("selection-how", "Choose at least one thing to filter by")
    return filter_part(visit.desk.settings(), wanted)


def _day(visit: Visit, name: str) -> date | None:
    typed = visit.said(name).strip()
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        raise OperationRefused("selection-how", "Write days as 2026-03-31") from None


def _of_ids(visit: Visit) -> Part:
    """ALC-12."""
    return of_text(visit.said("ids"))


def _of_upload(visit: Visit) -> Part:
    """ALC-11: the file is in the home while it is read, and gone afterwards."""
    upload, home = visit.form.get("file"), visit.desk.parts.settings.home
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise OperationRefused("selection-how", "Choose a file")
    kept = keep_upload(home, 0, upload.filename, upload.file)
    try:
        return of_file(path_of(home, kept))[0]
    finally:
        remove_upload(home, kept)


def _of_group(visit: Visit) -> Part:
    return of_group(visit.said("group"))


def _of_earlier(visit: Visit) -> Part:
    typed = visit.said("selection").strip()
    if not typed.isascii() or not typed.isdecimal() or len(typed) > 15:
        raise OperationRefused("selection-how", "Type the number of a selection")
    require_theirs(visit, "selection", int(typed))
    return of_selection(int(typed))


def _of_ticked(visit: Visit) -> Part:
    """Those ticked among those shown; or all that the search finds now."""
    if visit.said("all") == "yes":
        found = find_patients(visit.desk.parts.record, visit.said("search"), by=visit.person.name)
        return of_patients(each.id for each in found)
    ticked = [each for each in several(visit, "patient") if each.isascii() and each.isdecimal()]
    if not ticked or len(ticked) > _MOST_PICKED:
        raise OperationRefused("selection-how", "Tick at least one patient")
    return of_patients(int(each) for each in ticked)


_WAYS: Final[Mapping[str, Callable[[Visit], Part]]] = {
    "filter": _of_filter, "ids": _of_ids, "file": _of_upload, "group": _of_group,
    "selection": _of_earlier, "ticked": _of_ticked,
}  # fmt: skip
_FIELDS: Final = {
    "filter": "how-filter", "ids": "ids", "file": "file", "group": "group", "selection": "selection",
    "ticked": "search",
}  # fmt: skip


def _show(visit: Visit, *, fault: str = "", field: str = "") -> Response:
    record, settings = visit.desk.parts.record, visit.desk.settings()
    errors: list[dict[str, Any]] = [{"text": fault, "href": f"#{field}"}] if fault else []
    return visit.show(
        "operations/new.jinja", title="New bulk operation: who", status=422 if fault else 200, errors=errors,
        how=visit.said("how"), ids=visit.said("ids"), selection=visit.said("selection"),
        since=visit.said("from"), until=visit.said("to"), statuses=settings.organisation.statuses,
        chosen={name: several(visit, name) for name in _TICKED},
        facilities=list_places(record, "facility"), providers=list_places(record, "provider"),
        groups=list_groups(record), group=visit.said("group"),
    )  # fmt: skip
