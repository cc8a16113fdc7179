"""The application of the door: two addresses behind their guards, and files of ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from clinic.clock import Clock
from clinic.record.database import Record
from clinic.record.outage import outage
from clinic.settings import Settings
from desk.door import document
from desk.door.visit import Door
from desk.web.files import own_files
from desk.web.headers import Headers
from desk.web.looks import environment
from desk.web.origin import OwnOrigin
from desk.web.throttle import Throttle

_LOG: Final = logging.getLogger("cohort.door")
_LARGEST: Final = 4 * 1024  # bytes of a form: three short fields
_TEMPLATES: Final = "door-templates"

Handler = Callable[[Door, Request, FormData], Response]


def create_door(
    settings: Settings, record: Record, clock: Clock, *, templates: Path | None = None,
    throttle: Throttle | None = None,
) -> Starlette:  # fmt: skip
    """
    The door of this record.

    Args:
        templates: where compiled templates are kept; None: in the home
        throttle: of wrong dates of birth; None: one that begins to count now
    """
    looks = environment(
        templates or settings.home / _TEMPLATES, ZoneInfo(settings.organisation.time_zone)
    )
    door = Door(settings, record, clock, looks)
    door.throttle = throttle or door.throttle
    origins = settings.door.origins

    def refuse(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        title, says = ("lost_title", "lost_says") if status < 500 else ("down_title", "down_says")
        return door.show(request, "refused.jinja", title, status=status, says=says)

    return Starlette(
        routes=[
            _route(door, "/p/{token}", {"GET": document.ask, "POST": document.prove}),
            _route(door, "/p/{token}/document", {"GET": document.read}),
            Mount("/static", own_files()),
        ],
        middleware=[
            Middleware(Headers),
            Middleware(
                TrustedHostMiddleware,
                allowed_hosts=[urlsplit(origin).hostname or "" for origin in origins],
                www_redirect=False,
            ),
            Middleware(OwnOrigin, origins=origins),
        ],
        exception_handlers={HTTPException: refuse},
        max_body_size=_LARGEST,
    )


def _route(door: Door, path: str, handlers: dict[str, Handler]) -> Route:
    async def endpoint(request: Request) -> Response:
        form = FormData()
        handler = (
            handlers.get(request.method) or handlers["GET"]
        )  # HEAD: as GET, without what is in it
        if request.method == "POST":
            form = await request.form(max_files=0, max_fields=10, max_part_size=_LARGEST)
        return await run_in_threadpool(_answer, door, handler, request, form)

    return Route(path, endpoint, methods=list(handlers), max_body_size=_LARGEST)


def _answer(door: Door, handler: Handler, request: Request, form: FormData) -> Response:
    try:
        return handler(door, request, form)
    except Exception as error:
        # Its text and the address may tell who: the log has what it was, and no more
        known = outage(error)
        _LOG.error("%s", known.code if known else f"unforeseen {type(error).__name__}")
        raise HTTPException(503 if known else 500) from None
