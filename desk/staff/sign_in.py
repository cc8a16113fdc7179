"""Sign in and out, and where else one is signed in (ASVS 6 and 7)."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Final

from starlette.responses import Response

from clinic.errors import NotAllowed
from clinic.govern.people.last_use import note_use
from clinic.govern.people.operators import Operator, list_operators, prove
from clinic.govern.people.refused import write_refusal
from clinic.govern.sessions.browser import begin, end, sessions_of
from clinic.govern.sessions.identities import linked_since
from clinic.practice.leavers.arrival import end_if_dormant, require_second_step
from desk.web.page import Page
from desk.web.visit import Visit, set_cookie

# Each check of a password takes 64 MiB: more at once would be memory for whoever guesses
AT_ONCE: Final = threading.BoundedSemaphore(2)


def _ask(visit: Visit, *, name: str = "", fault: str = "", status: int = 200) -> Response:
    to = visit.query.get("to") or visit.said("to")
    return visit.show(
        "sign_in.jinja", title="Sign in", status=status, name=name, to=_ours(to),
        nobody=not list_operators(visit.desk.parts.record), provider=provider_of(visit),
        errors=[{"text": fault, "href": "#name"}] if fault else [],
    )  # fmt: skip


def provider_of(visit: Visit) -> str:
    """What the provider is called that people can sign in with; "" without one."""
    own = visit.desk.settings().desk
    return own.oidc_says if own.oidc_issuer else ""


def _ours(to: str) -> str:
    """Where to go after signing in: a page of the desk, and no other address."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\")) else "/"


def _sign_in(visit: Visit) -> Response:
    parts, settings = visit.desk.parts, visit.desk.settings()
    name = visit.said("name").strip().lower()
    caller = visit.request.client
    address = caller.host if caller else ""
    try:
        visit.desk.throttle.require(address)
        with AT_ONCE:
            person = prove(
                parts.record, name, visit.said("password"), clock=parts.clock, code=visit.said("code").strip()
            )  # fmt: skip
        end_if_dormant(parts.record, parts.clock, person.name, settings.people.dormant_days)
        require_second_step(parts.record, person, settings.people.mfa)
    except NotAllowed as refusal:
        if refusal.code == "operator-unproven":  # on the trail by itself
            visit.desk.throttle.failed(address)
        else:
            write_refusal(
                parts.record, parts.clock, name=name, command="desk sign-in", why=refusal.code
            )
        return _ask(visit, name=name, fault=refusal.says, status=403)
    return welcome(visit, person)


# What browsers call themselves: each names those before it, too
_BROWSERS: Final = {"Edg": "Edge", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS: Final = {
    "Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad",
    "Mac OS": "Mac", "Linux": "Linux",
}  # fmt: skip


def _browser(said: str) -> str:
    """How a session is told from one's others: Chrome, Windows."""
    found = [
        next((name for word, name in known.items() if word in said), "")
        for known in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(filter(None, found))


def welcome(visit: Visit, person: Operator) -> Response:
    """Begin a session for a proven person, and lead them where they wanted to go."""
    parts = visit.desk.parts
    note_use(parts.record, parts.clock, person.name)
    lasts = timedelta(hours=visit.desk.settings().desk.hours)
    browser = _browser(visit.request.headers.get("user-agent", ""))
    token = begin(parts.record, parts.clock, person, lasts=lasts, browser=browser)
    answer = visit.go(_ours(visit.said("to")))
    set_cookie(answer, token)  # a new one: what the browser had before proves nobody
    return answer


def _sign_out(visit: Visit) -> Response:
    if visit.session is not None:
        end(visit.desk.parts.record, visit.desk.parts.clock, visit.person.name, visit.session.id)
    return visit.go("/sign-in")


def _sessions(visit: Visit) -> Response:
    parts, own = visit.desk.parts, visit.session
    idle = timedelta(minutes=visit.desk.settings().desk.idle_minutes)
    found = sessions_of(parts.record, parts.clock, visit.person.name, idle=idle)
    return visit.show(
        "sessions.jinja",
        title="Where you are signed in",
        sessions=found,
        own=own.id if own else 0,
        provider=provider_of(visit),
        linked=linked_since(parts.record, visit.person.name),
    )


def _end(visit: Visit) -> Response:
    parts = visit.desk.parts
    end(parts.record, parts.clock, visit.person.name, visit.path["number"])
    return visit.go("/sessions")


PAGES: Final = (
    Page("/sign-in", "sign-in", show=_ask, act=_sign_in, open=True),
    Page("/sign-out", "sign-out", act=_sign_out, open=True),
    Page("/sessions", "sessions", show=_sessions),
    Page("/sessions/{number:int}/end", "end session", act=_end),
)
