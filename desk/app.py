"""The application of the staff desk: its pages behind their guards."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from desk.staff.routes import PAGES
from desk.web.desk import Desk
from desk.web.files import own_files
from desk.web.headers import Headers
from desk.web.origin import OwnOrigin
from desk.web.throttle import Throttle
from tasks.wiring import Wiring

_SAYS: Final = {
    404: ("Page not found", "There is no such page, or your role may not see it."),
    405: ("Page not found", "There is no such page."),
    413: ("File too large", "What was sent is too large: nothing of it was kept."),
    500: ("Something went wrong", "It was at our end. What was done until then is kept."),
    503: ("The record cannot be reached", "Try again in a moment. Nothing is lost."),
}


def create_app(
    parts: Wiring, *, templates: Path | None = None, throttle: Throttle | None = None
) -> Starlette:
    """
    The desk of these parts.

    Args:
        parts: of this process, for its whole life
        templates: where compiled templates are kept; None: in the home
        throttle: of wrong sign-ins; None: one that begins to count now
    """
    desk = Desk.of(parts, templates, throttle)
    own = parts.settings.desk
    hosts = [urlsplit(origin).hostname or "" for origin in own.origins]

    def refuse(request: Request, error: Exception) -> Response:
        del request
        status = error.status_code if isinstance(error, HTTPException) else 500
        title, says = _SAYS.get(
            status, ("There is a problem", "What was sent makes no sense here.")
        )
        name = desk.settings().organisation.name if status < 500 else ""
        page = desk.looks.get_template("refused.jinja")
        return Response(
            page.render(title=title, says=says, organisation=name), status, media_type="text/html"
        )

    app = Starlette(
        routes=[
            *(page.route(desk) for page in PAGES),
            Mount("/static", own_files()),
        ],
        middleware=[
            Middleware(Headers),
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
            Middleware(OwnOrigin, origins=own.origins),
        ],
        exception_handlers={HTTPException: refuse},
        max_body_size=64 * 1024,
    )
    app.state.rights = {page.name: page.right for page in PAGES}
    return app
