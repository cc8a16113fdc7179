"""The way to the gateway through a proxy: by the setting alone, and never for what is on this machine."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

import pytest
from pydantic import ValidationError

from clinic.errors import GatewayBusy
from clinic.gateway.http.sms import HttpSms
from clinic.gateway.incoming.pull import fetch_page
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Answer, Outgoing, Taken
from clinic.settings import SmsGateway
from tests.servers.certificates import server_context
from tests.servers.proxy import counting_proxy
from tests.servers.scripted import reply, scripted_http

HOST = "sms.hospital-net.test"  # no name server knows it
HELLO = [Outgoing(reference=7, to="+447700900123", body="Your review is due.")]
ACCEPTED = b'{"messages": [{"reference": "7", "id": "g7", "status": "accepted"}]}'
ENVIRONMENT = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def send(settings: SmsGateway, trust: ssl.SSLContext | None = None) -> Answer:
    way_out = HttpSms(settings, Opening(name="http-sms", channel="sms", trust=trust))
    try:
        return way_out.send("k", HELLO, per_request=1, only=frozenset([7]))
    finally:
        way_out.close()


def settings_with(url: str, proxy: str) -> SmsGateway:
    return SmsGateway(url=url, proxy_url=proxy, gateway_class="I", timeout_seconds=5)


def test_texts_go_through_the_proxy_that_is_set_and_it_reads_none(tmp_path: Path) -> None:
    """The login of its address is shown to it, and to nobody else."""
    ours, theirs = server_context(tmp_path, host=HOST)
    with (
        scripted_http(reply(200, ACCEPTED), tls=ours) as server,
        counting_proxy({HOST: server.port}) as proxy,
    ):
        way = proxy.url.replace("://", "://ward:s3cret@")
        answer = send(settings_with(f"https://{HOST}/v1", way), theirs)
    assert answer.results == {7: Taken(gateway_ref="g7")}
    assert proxy.asked == [f"{HOST}:443"]
    login = base64.b64encode(b"ward:s3cret")
    assert b"Proxy-Authorization: Basic " + login in proxy.heads[0]
    assert b"review" not in b"".join(proxy.heads)
    assert b"roxy-" not in server.requests[0]


def test_receipts_are_fetched_through_it_too() -> None:
    with counting_proxy() as proxy, pytest.raises(GatewayBusy, match="receipts-unreachable"):
        fetch_page(settings_with(f"https://{HOST}", proxy.url), None, gateway="http-sms")
    assert proxy.asked == [f"{HOST}:443"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_gateway_on_this_machine_is_never_reached_through_a_proxy(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by the setting nor by the environment."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with scripted_http(reply(200, ACCEPTED)) as server, counting_proxy() as proxy:
        for name in ENVIRONMENT:
            monkeypatch.setenv(name, proxy.url)
        answer = send(settings_with(f"http://{host}:{server.port}", proxy.url))
    assert answer.results == {7: Taken(gateway_ref="g7")}
    assert proxy.asked == []


def test_the_environments_proxies_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    with counting_proxy() as proxy:
        for name in ENVIRONMENT:
            monkeypatch.setenv(name, proxy.url)
        answer = send(settings_with(f"https://{HOST}", ""))
    assert answer.not_sent == {7}
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("status", "halt", "says"),
    [
        (407, "gateway-proxy", "answers 407"),
        (403, "gateway-proxy", "answers 403"),
        (502, None, "answers 502"),
        (504, None, "answers 504"),
        (429, None, "answers 429"),
    ],
)
def test_what_the_proxy_lets_not_through_was_not_sent(
    status: int, halt: str | None, says: str
) -> None:
    with counting_proxy(refuse=status) as proxy:
        answer = send(settings_with(f"https://{HOST}", proxy.url))
    assert (answer.not_sent, answer.halt) == ({7}, halt)
    assert says in answer.trouble
    assert "sms.proxy_url" in answer.trouble


def test_a_proxy_that_is_away_is_named() -> None:
    with counting_proxy() as proxy:
        gone = proxy.url
    answer = send(settings_with(f"https://{HOST}", gone))
    assert (answer.not_sent, answer.halt) == ({7}, None)
    assert "sms.proxy_url" in answer.trouble


def test_a_certificate_is_checked_behind_it_too(tmp_path: Path) -> None:
    ours, _ = server_context(tmp_path, host=HOST)
    with (
        scripted_http(reply(200, ACCEPTED), tls=ours) as server,
        counting_proxy({HOST: server.port}) as proxy,
    ):
        answer = send(settings_with(f"https://{HOST}", proxy.url))
    assert (answer.not_sent, answer.halt) == ({7}, "gateway-tls")
    assert server.requests == []


@pytest.mark.parametrize(
    "proxy",
    ["proxy.example:3128", "http://proxy.example", "socks5://p:1080", "http://p:3128/x", "http://"],
)
def test_what_is_no_http_proxy_is_refused_with_an_example(proxy: str) -> None:
    with pytest.raises(ValidationError, match="write the proxy with its port"):
        settings_with(f"https://{HOST}", proxy)
