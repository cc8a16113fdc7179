"""
A document behind its link: date of birth, then the document (ACX-14).

    GET  /p/TOKEN            asks for the date of birth; changes nothing: a previewer of links spends no try
    POST /p/TOKEN            one try; right: proven for a quarter of an hour, by a cookie of this link alone
    GET  /p/TOKEN/document   the document, to whom is proven; each time is noted

An unknown, expired, revoked or locked link has the same page, whoever looks.
"""

from __future__ import annotations

import hmac
import re
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from clinic.attach.limits import NAMED
from clinic.attach.take_in import content_of, read_attachment
from clinic.link.entry import Tried, is_open, note_opened, try_birth_date
from clinic.link.token import digest_of
from clinic.record.schema.door.links import patient_link
from clinic.record.schema.messages import campaign
from desk.door.visit import Door
from desk.web.headers import SANDBOX

COOKIE: Final = "__Secure-born"
_LASTS: Final = timedelta(minutes=15)
_PARTS: Final = ("day", "month", "year")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")


def ask(door: Door, request: Request, form: FormData) -> Response:
    """The form; or the way to the document, for whom is proven."""
    del form
    given = _given(request)
    if not is_open(door.record, door.clock, given):
        return _dead(door, request)
    if is_proven(door, request, given):
        with door.record.read() as connection:
            found = read_attachment(connection, _sha256_of(connection, given))
        return door.show(request, "document.jinja", "ready_title", document=found.says)
    return _form(door, request)


def prove(door: Door, request: Request, form: FormData) -> Response:
    """One try of a date of birth."""
    given = _given(request)
    said = {part: _typed(form, part) for part in _PARTS}
    if not is_open(door.record, door.clock, given):
        return _dead(door, request)
    address = request.client.host if request.client else ""
    if not door.throttle.allows(address):
        return _form(door, request, "busy", said, status=429)
    born = _date(said)
    if born is None:
        return _form(door, request, "no_date" if any(said.values()) else "empty", said, status=422)
    tried = try_birth_date(door.record, door.clock, given, born)
    if tried is Tried.RIGHT:
        return _proven(door, request, given)
    door.throttle.failed(address)
    if tried is Tried.DEAD:
        return _dead(door, request)
    return _form(door, request, tried.value, status=403 if tried is Tried.WRONG else 429)


def read(door: Door, request: Request, form: FormData) -> Response:
    """The document itself."""
    del form
    given = _given(request)
    if not is_open(door.record, door.clock, given):
        return _dead(door, request)
    if not is_proven(door, request, given):
        return RedirectResponse(f"/p/{given}", 303)
    with door.record.read() as connection:
        found = read_attachment(connection, _sha256_of(connection, given))
        content = content_of(connection, found.sha256)
    note_opened(door.record, door.clock, given)
    plain = re.sub(r"[^\w.-]+", "-", found.name, flags=re.ASCII)
    named = f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(found.name)}"
    return Response(
        content, media_type=NAMED[found.kind][0],
        headers={"content-disposition": named, "content-security-policy": SANDBOX},
    )  # fmt: skip


def is_proven(door: Door, request: Request, given: str) -> bool:
    """Whether this browser said the date of birth at this link within a quarter of an hour."""
    until, _, mark = request.cookies.get(COOKIE, "").partition(".")
    if not until.isdecimal() or int(until[:12]) <= door.clock.now().timestamp():
        return False
    return hmac.compare_digest(mark.encode(), _mark(door, given, until).encode())


def _proven(door: Door, request: Request, given: str) -> Response:
    until = str(int((door.clock.now() + _LASTS).timestamp()))
    language = request.query_params.get("lang", "")
    answer = RedirectResponse(
        f"/p/{given}" + (f"?lang={language}" if language in ("en", "cy") else ""), 303
    )
    answer.set_cookie(
        COOKIE, f"{until}.{_mark(door, given, until)}", max_age=int(_LASTS.total_seconds()),
        path=f"/p/{given}", secure=True, httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


def _mark(door: Door, given: str, until: str) -> str:
    return hmac.digest(door.key, f"{given}.{until}".encode(), "sha256").hex()


def _given(request: Request) -> str:
    """The token of the address; what cannot be one is as one that nobody knows."""
    given = str(request.path_params["token"])
    return given if _TOKEN.fullmatch(given) else ""


def _sha256_of(connection: sa.Connection, given: str) -> str:
    query = (
        sa.select(campaign.c.attachment_sha256)
        .join(patient_link, patient_link.c.campaign_id == campaign.c.id)
        .where(patient_link.c.digest == digest_of(given))
    )
    return str(connection.execute(query).scalar_one())


def _typed(form: FormData, part: str) -> str:
    value = form.get(f"born[{part}]")
    return value.strip()[:10] if isinstance(value, str) else ""


def _date(said: dict[str, str]) -> date | None:
    """A real date; a year has four digits, since 34 may be two of them."""
    if (
        not all(one.isascii() and one.isdecimal() for one in said.values())
        or len(said["year"]) != 4
    ):
        return None
    try:
        return date(int(said["year"]), int(said["month"]), int(said["day"]))
    except ValueError:
        return None


def _form(
    door: Door, request: Request, fault: str = "", said: dict[str, str] | None = None, *, status: int = 200
) -> Response:  # fmt: skip
    values: dict[str, Any] = {"fault": fault, "said": said or {}}
    return door.show(request, "born.jinja", "born_title", status=status, **values)


def _dead(door: Door, request: Request) -> Response:
    return door.show(request, "dead.jinja", "dead_title", status=404)
