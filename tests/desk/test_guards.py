"""What stands before every page: sign-in, right, the form's token, the origin (ASVS 5.0: 3, 7, 8)."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import NoReturn, cast

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed, RecordUnsafe
from clinic.govern.people.operators import disable_operator, get_operator
from clinic.govern.people.roles import Role, has_right, may
from clinic.govern.sessions.browser import begin, find
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act, desk_session
from desk.staff.routes import PAGES
from desk.web.page import Page
from desk.web.throttle import Throttle
from tasks.wiring import Wiring
from tests.desk.visitors import SECRET, STAFF, Visitor
from tests.fakes import FakeClock

_NUMBERS = {"{number:int}": "987654", "{key}": "nothing-is-called-so", "{name}": "nobody"}
_GUARDED = [page for page in PAGES if not page.open]


def address(page: Page) -> str:
    """The page's address, with a number that nothing has."""
    found = page.path
    for place, number in _NUMBERS.items():
        found = found.replace(place, number)
    assert "{" not in found, f"{found}: say in _NUMBERS what stands there"
    return found


def may_see(page: Page, role: Role) -> bool:
    """What the table of rights says of a page and a role."""
    return has_right(role, page.right) and (not page.kind or may(role, "request", page.kind))


@pytest.mark.parametrize("page", _GUARDED, ids=lambda page: page.name)
def test_nobody_sees_a_page_without_signing_in(visitor: Visitor, page: Page) -> None:
    """Each method of each page leads to the sign-in page."""
    for method in page.methods:
        answer = visitor.client.request(method, address(page), follow_redirects=False)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in")


@pytest.mark.parametrize("name", STAFF)
def test_each_role_reaches_what_its_rights_say_and_nothing_else(
    visitor: Visitor, name: str
) -> None:
    """Route × role × method: 404 for what is not theirs, as for what is not there (ASVS 8.2.2)."""
    visitor.sign_in(name)
    token = visitor.token("/sessions")
    for page in _GUARDED:
        if page.name == "end session":
            continue  # of oneself alone: test_sessions.py
        for method in page.methods:
            form = {"csrf_token": token} if method == "POST" else None
            answer = visitor.client.request(
                method, address(page), data=form, follow_redirects=False
            )
            allowed = may_see(page, STAFF[name])
            there = answer.status_code != 404
            if not allowed:
                assert not there, f"{name} reached {method} {page.path}"
            elif "{" not in page.path:
                assert there, f"{name} did not reach {method} {page.path}"


@pytest.mark.parametrize("page", [p for p in PAGES if p.act], ids=lambda page: page.name)
@pytest.mark.parametrize("token", [None, "", "0" * 64, "another's"])
def test_a_form_without_its_own_token_changes_nothing(
    visitor: Visitor, parts: Wiring, page: Page, token: str | None
) -> None:
    """ASVS 3.5.1, also at sign-in and sign-out."""
    visitor.sign_in("mair")
    if token == "another's":
        other = Visitor(parts)
        other.sign_in("huw")
        token = other.token("/sessions")
    data = {} if token is None else {"csrf_token": token}
    answer = visitor.client.post(address(page), data=data, follow_redirects=False)
    assert answer.status_code in (403, 404)
    assert "form-out-of-date" in answer.text or not may_see(page, "manager")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
        {"Sec-Fetch-Site": ""},
    ],
)
def test_what_another_site_sends_is_refused_with_the_right_token(
    visitor: Visitor, headers: dict[str, str]
) -> None:
    """ASVS 3.5.1: the second guard stands by itself."""
    visitor.sign_in("mair")
    form = {"csrf_token": visitor.token("/sessions")}
    answer = visitor.client.post("/sign-out", data=form, headers=headers, follow_redirects=False)
    assert answer.status_code == 403
    assert visitor.see("/sessions").status_code == 200, "still signed in"


def test_every_answer_carries_the_headers(visitor: Visitor) -> None:
    """ASVS 3.4 and 14.3.2, also of a refusal and of what is not there."""
    visitor.sign_in("mair")
    for path in ("/", "/nothing", "/static/desk.css", "/sign-in"):
        found = visitor.see(path).headers
        policy = found["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert found["x-content-type-options"] == "nosniff"
        assert ("no-store" in found["cache-control"]) == (not path.startswith("/static/"))
        assert "server" not in found


def test_a_foreign_host_name_is_refused(visitor: Visitor) -> None:
    """A name that somebody else points at this machine."""
    assert visitor.client.get("/sign-in", headers={"Host": "evil.example"}).status_code == 400


def test_a_session_cannot_be_fixed_before_signing_in(visitor: Visitor) -> None:
    """ASVS 7.2.4: the token is another one afterwards, and the old one proves nobody."""
    visitor.see("/sign-in")
    before = visitor.client.cookies["__Host-cohort"]
    visitor.sign_in("mair")
    after = visitor.client.cookies["__Host-cohort"]
    assert before != after
    visitor.client.cookies.clear()
    visitor.client.cookies.set("__Host-cohort", before, domain="127.0.0.1")
    assert "Sign in" in visitor.see("/").text


def test_a_session_ends_by_itself(visitor: Visitor, clock: FakeClock) -> None:
    """ASVS 7.3: after half an hour of nothing, and after twelve hours of work."""
    visitor.sign_in("mair")
    for _ in range(12 * 3 - 1):
        clock.sleep(20 * 60)
        assert visitor.see("/sessions").url.path == "/sessions"
    clock.sleep(21 * 60)
    assert visitor.see("/sessions").url.path == "/sign-in"
    visitor.sign_in("mair")
    clock.sleep(31 * 60)
    assert visitor.see("/sessions").url.path == "/sign-in"


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(
    visitor: Visitor, clock: FakeClock
) -> None:
    """ASVS 7.3.1: who went away from a page that follows something is signed out as anybody."""
    visitor.sign_in("mair")
    headers = {"HX-Request": "true", "HX-Current-URL": "https://127.0.0.1:4300/messages/1"}
    for _ in range(2):
        clock.sleep(14 * 60)
        assert visitor.client.get("/messages", headers=headers).status_code == 200
    clock.sleep(3 * 60)
    answer = visitor.client.get("/messages", headers=headers, follow_redirects=False)
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["hx-redirect"] == "/sign-in?to=/messages/1"


def test_who_is_disabled_is_signed_out_at_once(visitor: Visitor, parts: Wiring) -> None:
    """ASVS 7.4.2."""
    visitor.sign_in("olwen")
    disable_operator(parts.record, parts.clock, name="olwen", by="ada")
    assert visitor.see("/sessions").url.path == "/sign-in"


def test_a_row_that_the_program_did_not_write_proves_nobody(parts: Wiring) -> None:
    """A session put in by SQL has no mark under the key of the trail."""
    person = get_operator(parts.record, "olwen")
    lasts, idle = timedelta(hours=1), timedelta(minutes=30)
    token = begin(parts.record, parts.clock, person, lasts=lasts, browser="")
    with parts.record.write() as connection:
        connection.execute(sa.update(desk_session).values(operator="mair"))
    assert find(parts.record, parts.clock, token, idle=idle) is None


def test_one_sees_and_ends_ones_own_sessions_and_no_other(parts: Wiring) -> None:
    """ASVS 7.5.2."""
    first, second, other = Visitor(parts), Visitor(parts), Visitor(parts)
    first.sign_in("mair")
    second.sign_in("mair")
    other.sign_in("huw")
    with parts.record.read() as connection:
        ids = dict(connection.execute(sa.select(desk_session.c.id, desk_session.c.operator)).all())
    theirs = [number for number, name in ids.items() if name == "huw"]
    mine = [number for number, name in ids.items() if name == "mair"]
    first.send(f"/sessions/{theirs[0]}/end", {}, seen_at="/sessions")
    assert other.see("/sessions").url.path == "/sessions"
    first.send(f"/sessions/{mine[1]}/end", {}, seen_at="/sessions")
    assert second.see("/sessions").url.path == "/sign-in"


def test_signing_in_and_out_and_what_was_refused_are_on_the_trail(
    visitor: Visitor, parts: Wiring
) -> None:
    """ASVS 16.3."""
    assert visitor.sign_in("mair", "wrong password").status_code == 403
    visitor.sign_in("mair", SECRET)
    visitor.send("/sign-out", {}, seen_at="/sessions")
    with parts.record.read() as connection:
        kinds = list(connection.scalars(sa.select(audit_act.c.operation_type)))
    assert kinds[-3:] == [
        "operator.unproven", "operator.signed-in", "operator.signed-out",
    ]  # fmt: skip


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_signing_in_leads_to_no_other_site(visitor: Visitor, to: str) -> None:
    """ASVS 3.7.2: an address that was put into the form is no way out of the desk."""
    visitor.see("/sign-in")
    form = {"name": "mair", "password": SECRET, "to": to}
    answer = visitor.send("/sign-in", form, seen_at="/sign-in", follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_an_address_that_guesses_waits_and_another_does_not(parts: Wiring) -> None:
    """ASVS 6.3.1: sixty wrong ones within five minutes, whatever the names."""
    throttle = Throttle()
    for _ in range(60):
        throttle.require("192.0.2.7")
        throttle.failed("192.0.2.7")
    with pytest.raises(NotAllowed, match="wait five minutes"):
        throttle.require("192.0.2.7")
    throttle.require("192.0.2.8")
    for _ in range(60):
        throttle.failed("testclient")  # what Starlette's test client calls itself
    visitor = Visitor(parts, throttle)
    answer = visitor.sign_in("mair")
    assert (answer.status_code, "wait five minutes" in answer.text) == (403, True)


def test_files_are_packed_and_pages_are_not(visitor: Visitor) -> None:
    """A page has a secret and what somebody typed: packed together, its length tells the secret (BREACH)."""
    visitor.sign_in("mair")
    assert visitor.see("/static/desk.css").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in visitor.see("/sessions").headers


class _Fails:
    """A record that fails as it is told, whatever it is asked."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self) -> NoReturn:
        raise self._error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("Key (family_name)=(Sentinelova) already exists"), 500),
        (
            sa.exc.OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked")),
            503,
        ),
        (RecordUnsafe("record-unreachable", "the record cannot be opened"), 503),
    ],
    ids=["unforeseen", "locked", "unsafe"],
)
def test_a_record_that_fails_before_the_page_is_a_page_without_detail(
    visitor: Visitor, parts: Wiring, caplog: pytest.LogCaptureFixture, error: Exception, status: int
) -> None:
    """ASVS 16.5: also where the guards themselves cannot look, no text of an error is logged or shown."""
    visitor.sign_in("mair")
    whole, parts.record = parts.record, cast(Record, _Fails(error))
    try:
        answer = visitor.see("/sessions")
    finally:
        parts.record = whole
    assert (answer.status_code, "nhsuk-header" in answer.text) == (status, True)
    assert "Sentinelova" not in answer.text + caplog.text
    assert caplog.records, "nothing was logged at all"
