"""Searches by POST, so that no identifier of a patient stands in an address; pages of one server alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

from clinic.fhir.client import FORM, Answer, FhirClient, NoAnswer

_MOST_PAGES: Final = 50


class SearchRefused(Exception):
    """The server answered a search with something else than what it found."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"the server answers {answer.status} to a search")
        self.answer = answer


def search(client: FhirClient, kind: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """
    The resources of this kind that the server finds, page after page.

    Raises:
        NoAnswer: it did not answer; or it leads to another host, which is not asked
        SearchRefused: it answered something else
    """
    answer = client.send("POST", f"{kind}/_search", urlencode(query).encode(), content=FORM)
    for _ in range(_MOST_PAGES):
        for entry in _list(answer, "entry"):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(resource, dict) and resource.get("resourceType") == kind:
                yield resource
        following = _next(client, answer)
        if following is None:
            return
        answer = client.send("GET", following)
    raise NoAnswer("its pages do not end")


def _list(answer: Answer, name: str) -> list[Any]:
    found = answer.body.get(name, [])
    is_found = answer.status == 200 and answer.body.get("resourceType") == "Bundle"
    if not is_found or not isinstance(found, list):
        raise SearchRefused(answer)
    return found


def _next(client: FhirClient, answer: Answer) -> str | None:
    """The next page's path below the base address."""
    for link in _list(answer, "link"):
        if isinstance(link, dict) and link.get("relation") == "next" and link.get("url"):
            url = urljoin(f"{client.base_url}/", str(link["url"]))
            same = urlsplit(url).netloc == urlsplit(client.base_url).netloc
            if not same or not url.startswith(client.base_url):
                raise NoAnswer("it leads to another host, which is not asked")
            return url.removeprefix(client.base_url).removeprefix("/")
    return None
