"""
Signing in with a provider, and linking one's account there to one's name here.

What must come back is kept in this process for ten minutes, by the browser's own token: a desk that was started
again meanwhile asks to begin once more.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from clinic.errors import NotAllowed
from clinic.govern.people.operators import Operator
from clinic.govern.people.refused import write_refusal
from clinic.govern.sessions.identities import link, person_of, unlink
from clinic.practice.leavers.arrival import end_if_dormant
from desk.staff.proof import prove_again
from desk.staff.sign_in import provider_of, welcome
from desk.web.page import Page
from desk.web.provider import Pending, Provider
from desk.web.visit import Visit

_KEPT: Final = timedelta(minutes=10)
_MOST: Final = 1_000
_pending: dict[str, tuple[datetime, Pending]] = {}
_lock: Final = threading.Lock()


def _provider(visit: Visit) -> Provider:
    own = visit.desk.settings().desk
    if not own.oidc_issuer:
        raise HTTPException(404)
    base = own.address or f"http://{own.host}:{own.port}"
    return Provider(own, f"{base}/provider/back")


def _begin(visit: Visit) -> Response:
    """To the provider's own page. Who is signed in links their account, and gives their password for it."""
    provider, parts = _provider(visit), visit.desk.parts
    if visit.session is not None:
        prove_again(visit)
    url, pending = provider.begin()
    now = parts.clock.now()
    with _lock:
        for old in [key for key, (at, _) in _pending.items() if now - at > _KEPT]:
            del _pending[old]
        if len(_pending) >= _MOST:
            raise NotAllowed(
                "provider-busy", "too many people sign in at once: try again in a minute"
            )
        _pending[visit.token] = now, pending
    # A form may lead to the desk alone (the policy's form-action): this page leads on, by itself or by its link
    return visit.show("provider.jinja", title=f"Going on to {provider_of(visit)}", url=url)


def _back(visit: Visit) -> Response:
    """
    The browser comes back; the address that it has is shown to nobody else and kept nowhere.

    A session is begun, or an account linked, only for the browser that began.
    """
    provider, parts = _provider(visit), visit.desk.parts
    with _lock:
        at, pending = _pending.pop(visit.token, (None, None))
    if at is None or pending is None or parts.clock.now() - at > _KEPT:
        raise NotAllowed(
            "provider-refused", "this sign-in was not begun here, or too long ago: begin again"
        )
    subject = provider.finish(
        pending, state=visit.query.get("state", ""), code=visit.query.get("code", "")
    )
    issuer = visit.desk.settings().desk.oidc_issuer.rstrip("/")
    if visit.session is not None:
        link(parts.record, parts.clock, visit.person, issuer=issuer, subject=subject)
        return visit.go("/sessions")
    return welcome(visit, _theirs(visit, issuer, subject))


def _theirs(visit: Visit, issuer: str, subject: str) -> Operator:
    parts = visit.desk.parts
    person = person_of(parts.record, issuer=issuer, subject=subject)
    if person is None:
        write_refusal(
            parts.record, parts.clock, name="", command="desk provider", why="identity-unknown"
        )
        raise NotAllowed(
            "identity-unknown",
            "your account at the provider is not linked to a name here: sign in with your password, then link "
            "it at 'Where you are signed in'",
        )
    end_if_dormant(
        parts.record, parts.clock, person.name, visit.desk.settings().people.dormant_days
    )
    return person


def _unlink(visit: Visit) -> Response:
    unlink(visit.desk.parts.record, visit.desk.parts.clock, visit.person)
    return visit.go("/sessions")


PAGES: Final = (
    Page("/provider", "provider", act=_begin, open=True),
    Page("/provider/back", "provider back", show=_back, open=True),
    Page("/provider/unlink", "provider unlink", act=_unlink),
)
