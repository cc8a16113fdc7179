"""The file of an export, for whoever asked for it and for nobody else (ALC-24 to 28)."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from clinic.change.export.export import folder_of
from clinic.change.exported import find_file
from clinic.change.operations import get_operation
from clinic.govern.access.look import at_all, count_changed
from desk.web.theirs import require_theirs
from desk.web.visit import Visit


def download(visit: Visit) -> Response:
    """As it was written, encrypted if it was to be; that it leaves is on the access log first."""
    parts, number = visit.desk.parts, visit.path["number"]
    require_theirs(visit, "operation", number)
    found = get_operation(parts.record, number)
    file = find_file(parts.record, number)
    if file is None or found.requested_by != visit.person.name:
        raise HTTPException(404)
    path = folder_of(visit.desk.settings()) / file.name
    if not path.is_file():  # removed when its days were over
        raise HTTPException(404)
    with parts.record.read() as connection:
        patients = count_changed(connection, number)
    visit.looked(at_all("operation", number, patients))
    return FileResponse(
        path, media_type="application/octet-stream", filename=file.name,
        content_disposition_type="attachment",
    )  # fmt: skip
