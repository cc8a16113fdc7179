"""
Bulk Data export: asked for, waited for, read line by line (FHIR Bulk Data Access 1.0 and 2.0).

    $export ─► 202, Content-Location ─► 202, Retry-After … ─► 200, a list of files ─► NDJSON

A file of errors comes with status 200 too: an export that has one is not whole, and nothing of it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import orjson

from clinic.errors import SourceDown, SourceRefused
from clinic.fhir.secure import problem_of
from clinic.gateway.http.reply import seconds_to_wait
from clinic.sources.fhir.http import Server
from clinic.sources.fhir.search import is_fault

_USUAL_WAIT: Final = 10.0
_LONGEST_WAIT: Final = 600.0
_PAGE: Final = 500


@dataclass(frozen=True)
class Export:
    """A finished export. `at`: what it holds was so then."""

    files: Sequence[tuple[str, str, int | None]]
    deleted: Sequence[str]
    at: datetime | None
    job: str
    with_token: bool


def export(server: Server, kinds: Sequence[str], *, since: datetime | None = None) -> Export:
    """
    Ask for an export of these kinds and wait until it is ready.

    Raises:
        SourceDown: not ready in `export_hours`, or no answer
        SourceRefused: the server does not export, or says that the export is not whole
    """
    group = server.settings.bulk_group
    path = f"Group/{group}/$export" if group else "Patient/$export"
    query = {"_type": ",".join(kinds), "_outputFormat": "application/fhir+ndjson"}
    if since:
        query["_since"] = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    begun = server.get(f"{path}?{urlencode(query, safe=',/')}", {"Prefer": "respond-async"})
    job = begun.headers.get("content-location", "")
    if begun.status != 202 or not job:
        raise _refused(server, "the server did not begin an export")
    found = _read(server, server.url(job), _wait(server, server.url(job)))
    _require_whole(server, found)
    return found


def _wait(server: Server, job: str) -> Mapping[str, Any]:
    waited, most = 0.0, server.settings.export_hours * 3600
    while True:
        reply = server.get(job, {"Accept": "application/json"})
        if reply.status == 200:
            if not isinstance(reply.body, dict) or not isinstance(reply.body.get("output"), list):
                raise _refused(
                    server, "its list of files (output) cannot be read: nothing of it is used"
                )
            return reply.body
        wait = seconds_to_wait(reply.headers.get("retry-after"), server.clock.now())
        pause = min(max(_USUAL_WAIT if wait is None else wait, 1.0), _LONGEST_WAIT)
        if waited + pause > most:
            server.delete(job)
            raise SourceDown(
                "source-slow",
                f"source {server.name}: the export is not ready after {server.settings.export_hours:g} hours "
                "(export_hours) and was given up",
            )
        server.clock.sleep(pause)
        waited += pause


def _read(server: Server, job: str, said: Mapping[str, Any]) -> Export:
    def files(name: str) -> list[tuple[str, str, int | None]]:
        found = said.get(name)
        return [
            (str(each.get("type", "")), str(each["url"]), _count(each))
            for each in (found if isinstance(found, list) else ())
            if isinstance(each, dict) and each.get("url")
        ]

    with_token = said.get("requiresAccessToken") is not False
    made = Export(
        files("output"), [url for _, url, _ in files("deleted")], _instant(said.get("transactionTime")),
        job, with_token,
    )  # fmt: skip
    for _, url, _ in files("error"):
        for outcome in _lines(server, url, None, with_token=with_token):
            if is_fault(outcome):
                server.delete(job)
                raise _refused(
                    server,
                    "the server says that errors happened in the export, so that it is not whole",
                )
    return made


def _require_whole(server: Server, found: Export) -> None:
    for kind, _, _ in found.files:
        if not kind:
            raise _refused(server, "a file of the export does not say what is in it")


def resources(server: Server, found: Export, kind: str) -> Iterator[list[dict[str, Any]]]:
    """
    The resources of a kind from all its files, some at a time.

    Raises:
        SourceDown: a file broke off, or has fewer lines than the server said
        SourceRefused: a line is no resource
    """
    page: list[dict[str, Any]] = []
    for of, url, count in found.files:
        if of != kind:
            continue
        for resource in _lines(server, url, count, with_token=found.with_token):
            if resource.get("resourceType") == kind and isinstance(resource.get("id"), str):
                page.append(resource)
            if len(page) >= _PAGE:
                yield page
                page = []
    if page:
        yield page


def deleted(server: Server, found: Export) -> Iterator[tuple[str, str]]:
    """Kind and id of what the server has no more."""
    for url in found.deleted:
        for bundle in _lines(server, url, None, with_token=found.with_token):
            entries = bundle.get("entry")
            for entry in entries if isinstance(entries, list) else ():
                request = entry.get("request") if isinstance(entry, dict) else None
                if isinstance(request, dict) and request.get("method") == "DELETE":
                    kind, _, key = str(request.get("url", "")).strip("/").rpartition("/")
                    yield kind.rpartition("/")[2], key


def _lines(
    server: Server, url: str, count: int | None, *, with_token: bool
) -> Iterator[dict[str, Any]]:
    number = 0
    try:
        with server.lines(url, with_token=with_token) as lines:
            for line in lines:
                if not line.strip():
                    continue
                number += 1
                try:
                    found = orjson.loads(line)
                except orjson.JSONDecodeError:
                    raise _refused(
                        server,
                        f"line {number:,} of a file of the export is no JSON: it was cut off, or is something "
                        "else. Nothing of it is used; export again: cohort sources sync",
                    ) from None
                if isinstance(found, dict):
                    yield found
    except httpx.HTTPError as error:
        problem = problem_of(error)
    else:
        if count is not None and number < count:
            raise SourceDown(
                "source-incomplete",
                f"source {server.name}: a file of the export has {number:,} lines of {count:,}",
            )
        return
    raise SourceDown(
        "source-down", f"source {server.name}: a file of the export broke off ({problem})"
    )


def _count(file: Mapping[str, Any]) -> int | None:
    count = file.get("count")
    return count if isinstance(count, int) and not isinstance(count, bool) else None


def _instant(said: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def _refused(server: Server, why: str) -> SourceRefused:
    return SourceRefused("source-refused", f"source {server.name}: {why}")
