"""The second step of a sign-in, set up at the desk (ASVS 6.3.3, 6.6)."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pyotp

from tests.desk.visitors import SECRET, Visitor
from tests.fakes import FakeClock

_ADDRESS = re.compile(r"otpauth://[^<\s]+")


def begin(visitor: Visitor, password: str = SECRET) -> str:
    """The page after the password was given."""
    return str(visitor.send("/second-step", {"password": password}, seen_at="/second-step").text)


def device(page: str) -> pyotp.TOTP:
    """An authenticator app that has read it."""
    found = _ADDRESS.search(page)
    assert found, page
    return pyotp.TOTP(parse_qs(urlsplit(unescape(found[0])).query)["secret"][0])


def test_from_then_on_signing_in_takes_a_code_once(visitor: Visitor, clock: FakeClock) -> None:
    visitor.sign_in("mair")
    page = begin(visitor)
    app = device(page)
    code = app.at(clock.now())
    sent = visitor.send("/second-step/code", {"code": code}, seen_at="/sessions")
    assert "takes a code of your device" in sent.text
    visitor.send("/sign-out", {}, seen_at="/sessions")

    def sign_in(code: str) -> int:
        form = {"name": "mair", "password": SECRET, "code": code}
        return int(visitor.send("/sign-in", form, seen_at="/sign-in").status_code)

    assert sign_in("") == 403
    assert sign_in(code) == 403, "used already"
    clock.sleep(3600)
    assert sign_in(app.at(clock.now())) == 200


def test_it_is_set_up_with_the_password_alone(visitor: Visitor) -> None:
    visitor.sign_in("mair")
    page = begin(visitor, "not this one")
    assert not _ADDRESS.search(page)
    assert "There is a problem" in page


def test_a_wrong_code_turns_nothing_on(visitor: Visitor) -> None:
    visitor.sign_in("mair")
    begin(visitor)
    sent = visitor.send("/second-step/code", {"code": "000000"}, seen_at="/sessions")
    assert sent.status_code == 403
    visitor.send("/sign-out", {}, seen_at="/sessions")
    assert visitor.sign_in("mair").url.path == "/"
