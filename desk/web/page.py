"""
A page: its address, who may see it, and what stands before it.

    request ─► session ─► the page's right ─► tied to facilities? ─► (POST) the form's token ─► handler
          └► nobody signed in: to the sign-in page      └► refused: 404, as if it were not there; on the trail

A handler is a plain function that runs in a thread. What it refuses is shown as a sentence; what nobody foresaw
is a page without detail, and a line in the log with the place alone.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from clinic.errors import CohortError, Incomplete, NotAllowed, NotFound, RecordUnsafe
from clinic.govern.people.last_use import note_use
from clinic.govern.people.refused import require_right, write_refusal
from clinic.govern.people.roles import Right, require_may_ask
from clinic.govern.sessions.browser import find
from clinic.govern.tied import CODE as OTHERS
from clinic.govern.tied import require_all
from clinic.record.outage import outage
from desk.web.desk import Desk
from desk.web.visit import COOKIE, TOKEN, Visit, form_token, new_visitor, set_cookie
from tasks.guard.scrub import where

_LOG: Final = logging.getLogger("cohort.desk")
_FIELDS: Final = 1_000
SMALL: Final = 256 * 1024

Handler = Callable[[Visit], Response]


@dataclass(frozen=True)
class Page:
    """
    One address.

    Args:
        name: its own, as the access log and the tests have it
        show: answers GET; None: there is nothing to see
        act: answers POST
        right: what a person's role must have; None: every person may
        kind: of clinic.govern.people.roles.PERMISSIONS, which their role must be allowed to ask for
        whole: it is of the patients of all facilities: kept from whoever is tied to some
        open: for people who are not signed in, too
        largest: most bytes that may be sent to it
        files: most files among them
    """

    path: str
    name: str
    show: Handler | None = None
    act: Handler | None = None
    right: Right | None = None
    kind: str = ""
    whole: bool = False
    open: bool = False
    largest: int = SMALL
    files: int = 0

    @property
    def methods(self) -> list[str]:
        """GET, POST or both."""
        return ["GET"] * (self.show is not None) + ["POST"] * (self.act is not None)

    def route(self, desk: Desk) -> Route:
        """The route that asks for all of that before it answers."""

        async def endpoint(request: Request) -> Response:
            return await _answer(desk, self, request)

        return Route(
            self.path, endpoint, methods=self.methods, name=self.name, max_body_size=self.largest
        )


async def _answer(desk: Desk, page: Page, request: Request) -> Response:
    form = FormData()
    if request.method == "POST":
        form = await request.form(
            max_files=page.files, max_fields=_FIELDS, max_part_size=page.largest
        )
    try:
        return await run_in_threadpool(_guarded, desk, page, request, form)
    finally:
        await form.close()


def _guarded(desk: Desk, page: Page, request: Request, form: FormData) -> Response:
    token = request.cookies.get(COOKIE, "")
    parts = desk.parts
    try:
        idle = timedelta(minutes=desk.settings().desk.idle_minutes)
        seen = not _asks_by_itself(request)
        session = find(parts.record, parts.clock, token, idle=idle, seen=seen) if token else None
        if session is None and not page.open:
            return _to_sign_in(request)
        fresh = token or new_visitor()
        visit = Visit(desk, request, page.name, session, fresh, form)
        handler = page.act if request.method == "POST" else page.show
        if handler is None:
            raise HTTPException(404)
        answer = _allowed(visit, page, handler)
        if not token and COOKIE not in answer.headers.get("set-cookie", ""):
            set_cookie(answer, fresh)
        return answer
    except HTTPException:
        raise
    except Exception as error:
        # What the server would log of it may hold a patient: say what or where it was
        known = error if isinstance(error, RecordUnsafe) else outage(error)
        if known is None:
            _LOG.error("unforeseen %s at %s", type(error).__name__, where(error.__traceback__))
        else:
            _LOG.error("%s", known.code)
        raise HTTPException(503 if known else 500) from None


def _allowed(visit: Visit, page: Page, handler: Handler) -> Response:
    if not page.open:
        _require(visit, page)
    if visit.request.method == "POST":
        sent = visit.said(TOKEN)
        if not hmac.compare_digest(sent.encode(), form_token(visit.token).encode()):
            says = "This form is out of date. Go back, load the page again and send it once more."
            return _problem(visit, 403, "form-out-of-date", says)
    try:
        return handler(visit)
    except NotFound:
        raise HTTPException(404) from None
    except CohortError as error:
        if error.code == OTHERS and visit.session is not None:
            _tell_refused(visit, error.code)
        return _problem(visit, _status(error), error.code, error.says)
    except HTTPException:
        raise
    except Exception as error:
        if outage(error) is not None:
            raise
        # Its text may hold a patient: say where it was, not what
        _LOG.error(
            "unforeseen %s at %s (%s)", type(error).__name__, where(error.__traceback__), page.name
        )
        says = "Something went wrong at our end. What was done until then is kept."
        return _problem(visit, 500, "internal", says)


def _require(visit: Visit, page: Page) -> None:
    """Whoever may not is answered as if the page were not there; that they tried is on the trail."""
    parts, person = visit.desk.parts, visit.person
    try:
        require_right(person, page.right)
        if page.kind:
            require_may_ask(person.role, page.kind)
        if page.whole:
            with parts.record.read() as connection:
                require_all(connection, person.name)
    except NotAllowed as refusal:
        _tell_refused(visit, refusal.code)
        raise HTTPException(404) from None
    note_use(parts.record, parts.clock, person.name)


def _tell_refused(visit: Visit, why: str) -> None:
    parts = visit.desk.parts
    write_refusal(
        parts.record, parts.clock, name=visit.person.name, command=f"desk {visit.page}", why=why
    )


def _asks_by_itself(request: Request) -> bool:
    """Whether a page fetches a piece of itself again: that keeps nobody signed in (ASVS 7.3.1)."""
    return request.method == "GET" and request.headers.get("hx-request") == "true"


def _to_sign_in(request: Request) -> Response:
    """Where somebody wanted to go is kept; what they sent is not. A piece of a page leads all of it there."""
    by_itself = _asks_by_itself(request)
    path = (
        urlsplit(request.headers.get("hx-current-url", "")).path if by_itself else request.url.path
    )
    where_to = path if request.method == "GET" else "/"
    leads = "/sign-in" + (f"?to={quote(where_to)}" if where_to not in ("", "/") else "")
    return Response(headers={"hx-redirect": leads}) if by_itself else RedirectResponse(leads, 303)


def _status(error: CohortError) -> int:
    if isinstance(error, NotAllowed):
        return 403
    if isinstance(error, RecordUnsafe):
        return 503
    return 202 if isinstance(error, Incomplete) else 409


def _problem(visit: Visit, status: int, code: str, says: str) -> Response:
    return visit.show(
        "problem.jinja", title="There is a problem", status=status, code=code, says=says
    )
