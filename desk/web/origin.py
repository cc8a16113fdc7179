"""
What another site sends is refused: by Fetch Metadata, or where a browser has none, by origin (ASVS 3.5.1).

The second of two guards; the first is the token in every form (visit.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOKS: Final = ("GET", "HEAD", "OPTIONS")


class OwnOrigin:
    """Refuses with 403 whatever would change something and does not come from our own pages."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _LOOKS:
            headers = Request(scope).headers
            site, origin = headers.get("sec-fetch-site"), headers.get("origin")
            foreign = site != "same-origin" if site else origin not in self._origins
            if foreign or (origin and origin != "null" and origin not in self._origins):
                refused = PlainTextResponse("This did not come from our own pages.", 403)
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)
