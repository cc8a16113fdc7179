"""Signing in with an OpenID provider that answers on this machine (ASVS 6.3.3, 10)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from joserfc.jwk import RSAKey

from tasks.wiring import Wiring
from tests.desk.openid_server import OpenIdProvider, openid_provider
from tests.desk.visitors import SECRET, Visitor

_LEADS = re.compile(r'http-equiv="refresh" content="0;url=([^"]+)"')


@pytest.fixture(scope="module")
def server() -> Iterator[OpenIdProvider]:
    with openid_provider() as found:
        yield found


@pytest.fixture
def provider(server: OpenIdProvider, parts: Wiring) -> OpenIdProvider:
    """The provider, and a desk that is set up for it."""
    server.claims, server.signs_with = {}, None
    own = parts.settings.desk.model_copy(
        update={
            "oidc_issuer": server.issuer, "oidc_client": "cohort", "oidc_level": "AAL2_OR_AAL3_ANY",
            "oidc_secret": type(parts.settings.desk.oidc_secret)("shared"),
        }
    )  # fmt: skip
    parts.settings = parts.settings.model_copy(update={"desk": own})
    return server


def go_there(visitor: Visitor, **form: str) -> str:
    """To the provider and back, as a browser goes; the address that it comes back to."""
    seen_at = "/sessions" if form else "/sign-in"
    page = visitor.send("/provider", form, seen_at=seen_at)
    found = _LEADS.search(page.text)
    assert found, page.text
    there = httpx2.get(html.unescape(found[1]), follow_redirects=False)
    return str(there.headers["location"]).partition("4300")[2]


def link(visitor: Visitor, name: str) -> None:
    visitor.sign_in(name)
    visitor.see(go_there(visitor, password=SECRET))
    visitor.send("/sign-out", {}, seen_at="/sessions")


def test_who_linked_their_account_signs_in_with_it(
    visitor: Visitor, provider: OpenIdProvider
) -> None:
    link(visitor, "mair")
    assert visitor.see("/sessions").url.path == "/sign-in"
    before = visitor.client.cookies["__Host-cohort"]
    visitor.see(go_there(visitor))
    assert "mair (manager)" in visitor.see("/sessions").text
    assert visitor.client.cookies["__Host-cohort"] != before
    assert "code_verifier" in provider.seen[-1]


def test_linking_takes_the_password(visitor: Visitor, provider: OpenIdProvider) -> None:
    """Whoever finds a desk open cannot make its person's name their own."""
    del provider
    visitor.sign_in("mair")
    answer = visitor.send("/provider", {"password": "not this one"}, seen_at="/sessions")
    assert answer.status_code == 403
    assert "operator-unproven" in answer.text


def test_an_account_that_nobody_linked_is_nobody(
    visitor: Visitor, provider: OpenIdProvider
) -> None:
    del provider
    answer = visitor.see(go_there(visitor))
    assert (answer.status_code, "identity-unknown" in answer.text) == (403, True)


def test_an_account_is_one_persons(
    visitor: Visitor, provider: OpenIdProvider, parts: Wiring
) -> None:
    del provider
    link(visitor, "mair")
    other = Visitor(parts)
    other.sign_in("huw")
    answer = other.see(go_there(other, password=SECRET))
    assert (answer.status_code, "identity-taken" in answer.text) == (403, True)


def test_a_link_can_be_taken_back(visitor: Visitor, provider: OpenIdProvider) -> None:
    del provider
    link(visitor, "mair")
    visitor.sign_in("mair")
    visitor.send("/provider/unlink", {}, seen_at="/sessions")
    visitor.send("/sign-out", {}, seen_at="/sessions")
    assert "identity-unknown" in visitor.see(go_there(visitor)).text


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1},
        {"acr": "AAL1_USERPASS"}, {"acr": None},
    ],
    ids=lambda claims: next(iter(claims)),
)  # fmt: skip
def test_a_token_that_is_not_for_us_now_and_strong_enough_signs_nobody_in(
    visitor: Visitor, provider: OpenIdProvider, claims: dict[str, Any]
) -> None:
    link(visitor, "mair")
    provider.claims = claims
    answer = visitor.see(go_there(visitor))
    assert (answer.status_code, "provider-refused" in answer.text) == (403, True)
    assert visitor.see("/sessions").url.path == "/sign-in"


def test_a_token_that_another_key_signed_signs_nobody_in(
    visitor: Visitor, provider: OpenIdProvider
) -> None:
    link(visitor, "mair")
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "k1"})
    assert "provider-refused" in visitor.see(go_there(visitor)).text


@pytest.mark.parametrize("change", ["state", "twice", "another browser", "nothing"])
def test_what_comes_back_belongs_to_the_browser_that_began(
    visitor: Visitor, provider: OpenIdProvider, parts: Wiring, change: str
) -> None:
    """A forged, repeated or planted answer is a sentence, and no session."""
    del provider
    link(visitor, "mair")
    back, used_by = go_there(visitor), visitor
    if change == "state":
        back = re.sub("state=[^&]+", "state=forged", back)
    elif change == "twice":
        visitor.see(back)
        visitor.send("/sign-out", {}, seen_at="/sessions")
    elif change == "another browser":
        used_by = Visitor(parts)
        used_by.see("/sign-in")
    else:
        back = "/provider/back"
    answer = used_by.see(back)
    assert (answer.status_code, "provider-refused" in answer.text) == (403, True)
    assert used_by.see("/sessions").url.path == "/sign-in"


def test_without_a_provider_there_is_no_such_page(visitor: Visitor) -> None:
    assert visitor.send("/provider", {}, seen_at="/sign-in").status_code == 404
    assert visitor.see("/provider/back").status_code == 404
