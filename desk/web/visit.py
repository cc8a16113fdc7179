"""One request of one person: what they asked for, what they may, and what they are shown."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from clinic.govern.access.log import Looker, note_look
from clinic.govern.access.look import Look
from clinic.govern.access.reasons import INHERITED, Reason
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import Right, has_right, may
from clinic.govern.sessions.browser import Session
from clinic.govern.tied import require_subject
from desk.web.desk import Desk
from desk.web.navigation import entries
from tasks.wiring import Wiring

COOKIE: Final = "__Host-cohort"
"""Of who is signed in; before that, of a visitor: forms are theirs alone then, too."""
TOKEN: Final = "csrf_token"


@dataclass
class Visit:
    """
    A request, after its person was found and may see the page.

    Args:
        page: the page's own name, as the access log has it
        session: None: nobody is signed in
        token: of the browser's cookie; "" if it has none yet
        form: what was sent with a POST, read whole
    """

    desk: Desk
    request: Request
    page: str
    session: Session | None
    token: str
    form: FormData

    @property
    def person(self) -> Operator:
        """Who is signed in; pages that are open to all do not ask."""
        if self.session is None:
            raise LookupError(f"{self.page} is open to all and asks who is signed in")
        return self.session.person

    @cached_property
    def parts(self) -> Wiring:
        """The parts of this process, acting in this person's name."""
        return self.desk.acting(self.person.name)

    @property
    def path(self) -> Mapping[str, Any]:
        """What stands in the address."""
        return self.request.path_params

    @property
    def query(self) -> Mapping[str, str]:
        """What stands behind the question mark."""
        return self.request.query_params

    def said(self, name: str) -> str:
        """What was typed into this field; "" if it was not sent."""
        value = self.form.get(name)
        return value if isinstance(value, str) else ""

    @property
    def csrf(self) -> str:
        """What each of this visitor's forms says, and no other site can know."""
        return form_token(self.token)

    def may(self, action: Any, kind: str) -> bool:
        """Whether this person's role may request or approve this kind."""
        return may(self.person.role, action, kind)

    def has(self, right: Right | None) -> bool:
        """Whether this person's role has the right."""
        return has_right(self.person.role, right)

    def theirs(self, subject: str, number: int) -> None:
        """
        Whoever is tied to facilities gets no further where this has patients of others (NEW-38).

        Args:
            subject, number: as the trail has them: "campaign" 3, "reply" 4

        Raises:
            NotAllowed: it has
        """
        with self.desk.parts.record.read() as connection:
            require_subject(connection, self.person.name, subject, number)

    def there(self, path: str) -> bool:
        """Whether there is a page at this address that this person's role may see."""
        app = self.request.app
        for route in app.routes:
            if isinstance(route, Route) and route.path_regex.match(path):
                return "GET" in (route.methods or ()) and self.has(app.state.rights[route.name])
        return False

    def looked(self, look: Look, *, reason: Reason = INHERITED) -> None:
        """
        Write down that this is looked at, with all that will be shown in hand; then show it.

        Raises:
            NotAllowed: the reason names the patient, or they are of another facility
            RecordUnsafe: it cannot be written: nothing is shown
        """
        looker = Looker(self.person.name, f"desk {self.page}", proven=True)
        note_look(self.desk.parts.record, self.desk.parts.clock, looker, look, reason=reason)

    def show(self, template: str, *, title: str, status: int = 200, **values: Any) -> Response:
        """A whole page. `errors`: the faults in a form, each with `text` and the `href` of its field."""
        body = self.desk.looks.get_template(template).render(
            title=title, here=self.request.url.path, csrf=self.csrf, organisation=self._organisation(),
            person=self.session.person if self.session else None, navigation=self._navigation(),
            query=self.query, there=self.there, **values,
        )  # fmt: skip
        return HTMLResponse(body, status)

    def part(self, template: str, **values: Any) -> Response:
        """A piece of a page, for what is fetched again while something runs."""
        body = self.desk.looks.get_template(template).render(
            csrf=self.csrf, there=self.there, **values
        )
        return HTMLResponse(body)

    def go(self, path: str) -> Response:
        """To another page, by GET."""
        return RedirectResponse(path, 303)

    def _organisation(self) -> str:
        return self.desk.settings().organisation.name

    def _navigation(self) -> list[dict[str, Any]]:
        if self.session is None:
            return []
        return entries(self.session.person.role, self.request.url.path)


def form_token(token: str) -> str:
    """The token of a browser's forms: worthless without its cookie."""
    return hmac.digest(token.encode(), b"form", "sha256").hex()


def new_visitor() -> str:
    """A token for a browser that has none."""
    return secrets.token_urlsafe(32)


def set_cookie(answer: Response, token: str) -> None:
    """Give the browser its token: to this host alone, and to no script (ASVS 3.3)."""
    answer.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="lax", path="/")
