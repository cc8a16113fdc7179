"""
Resources by search, a page at a time: each once, none lost.

Paging repeats entries, omits them and loses its next link on servers that people run (HAPI 616, 3608): entries
are told apart by their ids, and their number is held against the server's own count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from clinic.errors import SourceDown, SourceRefused
from clinic.sources.fhir.http import Server
from clinic.sources.fhir.people import Seen

_MOST_PAGES: Final = 100_000
_BY_ID: Final = 50


def pages(
    server: Server, kind: str, seen: Seen, *, since: datetime | None = None
) -> Iterator[list[dict[str, Any]]]:
    """
    All resources of a kind, or those that changed since, in pages.

    Raises:
        SourceDown: no answer, or it gave fewer than it says it has
        SourceRefused: what it answers is no search's result
    """
    query = {"_lastUpdated": f"ge{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"} if since else {}
    expected = _total(_bundle(server, kind, query | {"_summary": "count"}))
    given, full = 0, False
    link: str | None = _link(kind, query | {"_count": str(server.settings.page_size)})
    asked: set[str] = set()
    while link is not None:
        if link in asked or len(asked) >= _MOST_PAGES:
            raise _refused(server, kind, "its pages lead back to one that was read")
        asked.add(link)
        bundle = _read(server, kind, server.get(link).body)
        found = list(_resources(server, kind, bundle))
        new = seen.new([f"{kind}/{each['id']}" for each in found])
        fresh = [each for each, is_new in zip(found, new, strict=True) if is_new]
        given += len(fresh)
        full = len(found) >= server.settings.page_size
        if fresh:
            yield fresh
        link = _next(server, bundle)
    if given < (expected or 0) or (full and expected is None):
        said = f"{expected:,}" if expected is not None else "more"
        raise SourceDown(
            "source-incomplete",
            f"source {server.name}: the server has {said} of {kind} by its own count and gave {given:,}: "
            "nothing of them is imported. Its pages are asked for again the next time",
        )


def by_id(server: Server, kind: str, ids: list[str]) -> Iterator[dict[str, Any]]:
    """Those of these ids that the server has."""
    for first in range(0, len(ids), _BY_ID):
        some = ids[first : first + _BY_ID]
        query = {"_id": ",".join(some), "_count": str(_BY_ID)}
        yield from _resources(server, kind, _bundle(server, kind, query))


def _link(kind: str, query: Mapping[str, str]) -> str:
    return f"{kind}?{urlencode(query, safe=':,')}"


def _bundle(server: Server, kind: str, query: Mapping[str, str]) -> Mapping[str, Any]:
    return _read(server, kind, server.get(_link(kind, query)).body)


def _read(server: Server, kind: str, body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict) or body.get("resourceType") != "Bundle":
        raise _refused(
            server,
            kind,
            "its answer is no Bundle: is url the base address of its FHIR API, and no page of a login?",
        )
    return body


def _resources(server: Server, kind: str, bundle: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            continue
        if resource.get("resourceType") == "OperationOutcome" and is_fault(resource):
            raise _refused(server, kind, "its answer says itself that it is not whole")
        if resource.get("resourceType") == kind and isinstance(resource.get("id"), str):
            yield resource


def is_fault(outcome: Mapping[str, Any]) -> bool:
    """Whether an OperationOutcome is of an error, and no remark."""
    issues = outcome.get("issue")
    return any(
        isinstance(issue, dict) and issue.get("severity") in ("error", "fatal")
        for issue in (issues if isinstance(issues, list) else ())
    )


def _total(bundle: Mapping[str, Any]) -> int | None:
    total = bundle.get("total")
    return total if isinstance(total, int) and not isinstance(total, bool) else None


def _next(server: Server, bundle: Mapping[str, Any]) -> str | None:
    links = bundle.get("link")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("relation") == "next" and link.get("url"):
            return server.url(str(link["url"]))
    return None


def _refused(server: Server, kind: str, why: str) -> SourceRefused:
    return SourceRefused("source-refused", f"source {server.name}: asked for {kind}: {why}")


def count_of(server: Server, kind: str) -> tuple[int | None, datetime | None]:
    """How many the server says it has, and when the newest was changed, where it says so."""
    total = _total(_bundle(server, kind, {"_summary": "count"}))
    newest = _bundle(server, kind, {"_sort": "-_lastUpdated", "_count": "1"})
    return total, max(map(updated, _resources(server, kind, newest)), default=None, key=_order)


def _order(at: datetime | None) -> datetime:
    return at or datetime.min.replace(tzinfo=UTC)


def updated(resource: Mapping[str, Any]) -> datetime | None:
    """When it was last changed there, as far as it says so."""
    meta = resource.get("meta")
    said = meta.get("lastUpdated") if isinstance(meta, dict) else None
    try:
        at = datetime.fromisoformat(str(said)) if said else None
    except ValueError:
        return None
    return at.astimezone(UTC) if at and at.tzinfo else None
