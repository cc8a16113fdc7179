"""
What every answer carries: nothing from another host, no frame, nothing kept by a browser (ASVS 3.4, 14.3.2).

The one script that stands in a page is the kit's own line, named by its digest.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KIT: Final = (
    "document.body.className += ' js-enabled' + ('noModule' in HTMLScriptElement.prototype ? "
    "' nhsuk-frontend-supported' : '');"
)
_DIGEST: Final = base64.b64encode(hashlib.sha256(_KIT.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; script-src 'self' 'sha256-{_DIGEST}'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "object-src 'none'"
)
_POLICY: Final = b"content-security-policy"
SANDBOX: Final = "sandbox; frame-ancestors 'none'"
"""Of a document of somebody else's, instead: it has no origin, and no script of it runs."""
_ALWAYS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}
STATIC: Final = "/static/"


class Headers:
    """Adds them to each answer, also to a refusal."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kept = "max-age=3600" if scope["path"].startswith(STATIC) else "no-store"
        ours = {**_ALWAYS, "cache-control": kept}
        names = {name.encode() for name in ours}

        async def out(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [pair for pair in message["headers"] if pair[0].lower() not in names]
                added = [(name.encode(), value.encode()) for name, value in ours.items()]
                if (_POLICY, SANDBOX.encode()) in message["headers"]:
                    added = [(_POLICY, SANDBOX.encode()) if p[0] == _POLICY else p for p in added]
                message["headers"] = own + added
            await send(message)

        await self._app(scope, receive, out)
