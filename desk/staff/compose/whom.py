"""Step 1: whom. A file, a group, a list imported before, a filter, or pasted numbers (PAT-6 to 9, ACX-24)."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, Final

from starlette.datastructures import UploadFile
from starlette.responses import Response

from clinic.cohort.import_list import take_in_ids
from clinic.cohort.list_index import TakenList, list_taken
from clinic.cohort.pasted import pasted_ids
from clinic.errors import MendableError
from clinic.govern.tied import codes_of
from clinic.message.drafts.asked import Asked
from clinic.message.drafts.draft import KEY, Draft
from clinic.message.drafts.uploads import keep_upload, plain_name, remove_upload
from clinic.message.drafts.whom import count_chosen
from clinic.practice.groups import list_groups
from clinic.practice.places import list_places
from clinic.values.moments import read_day
from desk.staff.compose.own import AT, Errors, at, changed, error, own, page, refusal, shown
from desk.web.visit import Visit

LARGEST: Final = 100 * 1024 * 1024
_PASTED: Final = 1024 * 1024
_LISTS: Final = 50
_TITLE: Final = "Who you want to message"
_NOTHING: Final = {
    "source": "", "file_name": "", "group": None, "status": None, "facility": None, "provider": None,
    "registered_from": None, "registered_to": None,
}  # fmt: skip
_COLUMNS: Final = {
    "emis": "NHS Number and EMIS Number",
    "emis_wales": "NHS Number, Telecom Number (Mobile Number) and Date of Birth",
    "systmone": "NHS Number, Telecom Number (Mobile Number) and Date of Birth",
    "generic": "NHS Number, or another number by which the record knows the patient",
}


def _show(visit: Visit) -> Response:
    return _page(visit, own(visit), [])


def _page(visit: Visit, draft: Draft, errors: Errors, **typed: Any) -> Response:
    record, organisation = visit.parts.record, visit.parts.settings.organisation
    return shown(
        visit, "list", draft, _TITLE, errors, columns=_COLUMNS[organisation.id_scheme],
        groups=list_groups(record), tied=_is_tied(visit), lists=_lists(visit), statuses=organisation.statuses,
        facilities=[one for one in list_places(record, "facility") if one.active],
        providers=[one for one in list_places(record, "provider") if one.active],
        typed={**draft.asked.model_dump(), "list_id": draft.list_id, **typed},
    )  # fmt: skip


def _lists(visit: Visit) -> list[TakenList]:
    """One's own, the newest first."""
    found = list_taken(visit.parts.record, limit=_LISTS)
    return [one for one in found if one.taken_by == visit.person.name]


def _is_tied(visit: Visit) -> bool:
    """To some facilities: how many patients there are of others is not theirs to know."""
    with visit.parts.record.read() as connection:
        return bool(codes_of(connection, visit.person.name))


def _choose(visit: Visit) -> Response:
    draft, errors = own(visit), Errors()
    name, source = visit.said("list_name").strip(), visit.said("source")
    if not name:
        errors.append(error("list_name", "Enter a name for the patient list"))
    taken = _TAKEN.get(source)
    if taken is None:
        errors.append(error("source-file", "Choose where the patients come from"))
    if not errors and _is_named_otherwise(visit, draft, name, source):
        how = "choose its file" if source == "file" else "paste the numbers"
        says = f"It is imported as {draft.asked.list_name}. To rename it, {how} again"
        errors.append(error("list_name", says))
    values: dict[str, Any] = {"list_name": name}
    columns: dict[str, Any] = {}
    if taken is not None and not errors:
        try:
            chosen, columns = taken(visit, draft, errors)
            values |= chosen
        except MendableError as problem:
            errors.append(refusal(_FIELDS[source], problem.says))
    if errors:
        return _page(visit, draft, errors, list_name=name, source=source)
    draft = changed(visit, values, **columns)
    return visit.go(at(draft) if draft.asked.has_text else at(draft, "text"))


def _is_named_otherwise(visit: Visit, draft: Draft, name: str, source: str) -> bool:
    """Whether a list that is imported already would go by another name than it has."""
    upload = visit.form.get("file")
    fresh = bool(visit.said("ids").strip() or (isinstance(upload, UploadFile) and upload.filename))
    same = draft.list_id is not None and source == draft.asked.source and source in ("file", "ids")
    return same and not fresh and name != draft.asked.list_name


def _file(visit: Visit, draft: Draft, errors: Errors) -> tuple[dict[str, Any], dict[str, Any]]:
    upload = visit.form.get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        if draft.asked.source != "file":
            errors.append(error("file", "Choose the file of your list"))
        return {}, {}
    home = visit.parts.settings.home
    where = keep_upload(home, draft.id, upload.filename, upload.file)
    if not (home / "uploads" / where).stat().st_size:
        remove_upload(home, where)
        errors.append(error("file", f"{plain_name(upload.filename)} is empty: choose another file"))
        return {}, {}
    values = {**_NOTHING, "source": "file", "file_name": plain_name(upload.filename)}
    return values, {"file": where, "rows": None, "list_id": None}


def _ids(visit: Visit, draft: Draft, errors: Errors) -> tuple[dict[str, Any], dict[str, Any]]:
    """Taken in at once: what is pasted is never in the draft."""
    text = visit.said("ids")
    if not text.strip() and draft.asked.source == "ids":
        return {}, {}
    if len(text) > _PASTED:
        errors.append(
            error("ids", "That is too long to paste: put the numbers in a file and upload it")
        )
        return {}, {}
    parts, ids = visit.parts, pasted_ids(text)
    list_id = take_in_ids(
        parts.record, parts.clock, ids, request_key=f"{KEY}ids-{uuid.uuid4()}",
        name=visit.said("list_name").strip(), taken_by=visit.person.name,
    )  # fmt: skip
    return {**_NOTHING, "source": "ids"}, {"file": None, "rows": len(ids), "list_id": list_id}


def _list(visit: Visit, draft: Draft, errors: Errors) -> tuple[dict[str, Any], dict[str, Any]]:
    number = visit.said("list_id")
    if not number.isdecimal():
        errors.append(error("list_id", "Choose a list"))
        return {}, {}
    known = [one.name for one in _lists(visit) if str(one.id) == number]
    # It has its name already
    values = {**_NOTHING, "source": "list", **({"list_name": known[0]} if known else {})}
    return values, _counted(visit, draft.asked.filled(values), int(number[:9]))


def _group(visit: Visit, draft: Draft, errors: Errors) -> tuple[dict[str, Any], dict[str, Any]]:
    if not visit.said("group"):
        errors.append(error("group", "Choose a group"))
        return {}, {}
    values = {**_NOTHING, "source": "group", "group": visit.said("group")}
    return values, _counted(visit, draft.asked.filled(values), None)


def _filter(visit: Visit, draft: Draft, errors: Errors) -> tuple[dict[str, Any], dict[str, Any]]:
    codes = {name: visit.said(name) or None for name in ("status", "facility", "provider")}
    days = {name: _day(visit, name, errors) for name in ("registered_from", "registered_to")}
    if not any((*codes.values(), *days.values())) and not errors:
        errors.append(error("status", "Choose at least one filter"))
    if errors:
        return {}, {}
    values = {**_NOTHING, "source": "filter", **codes, **days}
    return values, _counted(visit, draft.asked.filled(values), None)


def _day(visit: Visit, name: str, errors: Errors) -> date | None:
    typed = visit.said(name).strip()
    try:
        return read_day(typed).date() if typed else None
    except ValueError:
        errors.append(error(name, "Write the day as 31/03/2026"))
        return None


def _counted(visit: Visit, asked: Asked, list_id: int | None) -> dict[str, Any]:
    parts = visit.parts
    rows = count_chosen(parts.record, parts.settings, asked, visit.person.name, list_id)
    return {"file": None, "rows": rows, "list_id": list_id}


_TAKEN: Final = {
    "file": _file, "ids": _ids, "list": _list, "group": _group, "filter": _filter,
}  # fmt: skip
_FIELDS: Final = {
    "file": "file", "ids": "ids", "list": "list_id", "group": "group", "filter": "status",
}  # fmt: skip

PAGES: Final = (page(f"{AT}/list", "draft list", _show, _choose, largest=LARGEST, files=1),)
