"""A relay by a name of its own: encryption and login fail closed, and say why (issue 18)."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest

from clinic.gateway.named import build
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Answer, Outgoing
from clinic.gateway.smtp.named import NamedSmtp
from clinic.settings.gateways.smtp import SmtpGateway
from tests.clinic.gateway.smtp.test_email import verdict
from tests.fakes import FakeClock
from tests.servers.certificates import server_context
from tests.servers.relay import running_relay, scripted_relay
from tests.servers.scripted import hang_up, reply, scripted_http

HELLO = Outgoing(7, "sian@example.org", "Sut mae, Siân?", "Eich apwyntiad")
LOGIN = {"user": "u", "password": "secret"}


def gateway(port: int, trust: Any = None, clock: Any = None, **settings: Any) -> NamedSmtp:
    given = {
        "type": "smtp", "host": "127.0.0.1", "port": port, "tls": "none", "sender": "p@example.org",
        "timeout_seconds": 5, "connections": 1,
    }  # fmt: skip
    own = SmtpGateway.model_validate(given | settings)
    made = build(
        own, Opening(name="mail", channel="email", clock=clock or FakeClock(), trust=trust)
    )
    assert isinstance(made, NamedSmtp)
    return made


def send_to(port: int, **settings: Any) -> Answer:
    own = gateway(port, **settings)
    try:
        return own.send("k", [HELLO], per_request=1, only=frozenset({7}))
    finally:
        own.close()


STARTTLS = b"250-relay\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"


@pytest.mark.parametrize(
    ("deeds", "halt"),
    [
        ({"EHLO": b"250-relay\r\n250 AUTH PLAIN\r\n"}, "gateway-tls"),
        ({"EHLO": STARTTLS, "STAR": b"220 go\r\n250-relay\r\n250 AUTH PLAIN\r\n235 in\r\n"}, "gateway-tls"),
        ({"EHLO": STARTTLS, "STAR": b"502 5.5.1 what?\r\n"}, "gateway-tls"),
        ({"EHLO": STARTTLS, "STAR": b"454 4.7.0 no certificate now\r\n"}, None),
        ({"EHLO": STARTTLS, "STAR": hang_up}, None),
    ],
    ids=["taken away", "answers injected", "not meant", "not now", "cut"],
)  # fmt: skip
def test_without_encryption_neither_login_nor_text_leaves(
    deeds: dict[str, Any], halt: str | None
) -> None:
    with scripted_relay(**deeds) as relay:
        answer = send_to(relay.port, tls="starttls", **LOGIN)
    assert (verdict(answer), answer.halt) == ("not sent", halt)
    assert {one[:4].upper() for one in relay.requests} <= {b"EHLO", b"STAR", b"QUIT"}


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("expired", [False, True], ids=["of another host", "expired"])
def test_a_certificate_that_does_not_prove_the_host_gets_no_login(
    tmp_path: Path, tls: str, expired: bool
) -> None:
    address = "127.0.0.1" if expired else "127.0.0.9"
    ours, theirs = server_context(tmp_path, host="other.test", address=address, expired=expired)
    with running_relay(**{tls: ours}, login=tls == "starttls") as relay:  # type: ignore[arg-type]
        answer = send_to(relay.port, tls=tls, trust=theirs, **LOGIN)
    assert (verdict(answer), answer.halt) == ("not sent", "gateway-tls")
    assert (relay.logins, relay.envelopes) == ([], [])


@pytest.mark.parametrize("auth", ["password", "plain", "login"])
def test_a_relay_with_a_certificate_of_its_own_authority_takes_our_login(
    tmp_path: Path, auth: str
) -> None:
    ours, _ = server_context(tmp_path)
    authority = str(tmp_path / "server.pem")
    with running_relay(starttls=ours, login=True) as relay:
        own = gateway(relay.port, tls="starttls", authority_file=authority, auth=auth, **LOGIN)
        (look,) = own.look()
        answer = own.send("k", [HELLO], per_request=1, only=frozenset({7}))
        own.close()
    assert look.good
    assert look.says.startswith("encrypted (TLSv1.3), it takes our login; largest mail 33,554,432")
    assert (verdict(answer), relay.logins) == ("taken", [b"u", b"u"])


def said(line: bytes) -> str:
    return base64.b64decode(line.split()[-1]).decode()


@pytest.mark.parametrize(
    ("auth", "offered", "sent"),
    [
        ("password", b"250 AUTH LOGIN PLAIN\r\n", "\0ü\0pässword"),
        ("login", b"250 AUTH PLAIN\r\n", None),
        ("plain", b"250 AUTH LOGIN\r\n", None),
        ("password", b"250 AUTH XOAUTH2\r\n", None),
    ],
)
def test_a_password_goes_by_a_mechanism_that_is_offered(
    auth: str, offered: bytes, sent: str | None
) -> None:
    """In UTF-8 (RFC 4616), which the standard library cannot."""
    with scripted_relay(EHLO=b"250-relay\r\n" + offered, AUTH=b"235 in\r\n") as relay:
        answer = send_to(relay.port, auth=auth, user="ü", password="pässword")
    lines = [line for line in relay.requests if line.startswith(b"AUTH")]
    assert [said(line) for line in lines] == ([sent] if sent else [])
    assert answer.halt == (None if sent else "gateway-credentials")


BEARER = b"250-relay\r\n250 AUTH XOAUTH2 PLAIN\r\n"
FAILED = {"AUTH": b"334 eyJzdGF0dXMiOiI0MDAifQ==\r\n", "\r\n": b"535 5.7.3 not this one\r\n"}


def token(name: str, seconds: int = 3600) -> Any:
    return reply(200, orjson.dumps({"access_token": name, "expires_in": seconds}))


def tokens_by_url(port: int) -> dict[str, Any]:
    return {
        "auth": "xoauth2", "user": "p@example.org", "client_id": "app", "client_secret": "s3cret",
        "token_url": f"http://127.0.0.1:{port}/token", "scope": "mail.send",
    }  # fmt: skip


def test_an_access_token_is_asked_for_with_our_credentials_and_used_until_its_end() -> None:
    clock = FakeClock()
    with (
        scripted_http(token("one"), token("two")) as server,
        scripted_relay(EHLO=BEARER, AUTH=b"235 in\r\n", TEXT=b"250 ok\r\n", MAIL_2=b"421\r\n",
                       MAIL_4=b"421\r\n") as relay,
    ):  # fmt: skip
        own = gateway(relay.port, clock=clock, **tokens_by_url(server.port))
        for n in range(3):
            own.send(f"k{n}", [HELLO], per_request=1, only=frozenset({7}))
            clock.sleep(n * 3600)
        own.close()
    logins = [said(line) for line in relay.requests if line.startswith(b"AUTH")]
    assert logins == [
        f"user=p@example.org\x01auth=Bearer {name}\x01\x01" for name in ("one", "one", "two")
    ]
    assert len(server.requests) == 2
    asked = server.requests[0].split(b"\r\n\r\n")[1]
    assert (
        asked == b"grant_type=client_credentials&client_id=app&client_secret=s3cret&scope=mail.send"
    )


@pytest.mark.parametrize(
    ("deed", "halt", "trouble"),
    [
        (reply(401, b'{"error": "invalid_client"}'), "gateway-credentials", "token_url answers 401"),
        (reply(200, b"<html>"), "gateway-credentials", "token_url answers 200"),
        (reply(302, b"", "Location: http://127.0.0.1:1/"), "gateway-credentials", "answers 302"),
        (reply(503), None, "gateways.mail.token_url does not answer, or not now"),
        (hang_up, None, "gateways.mail.token_url does not answer, or not now"),
    ],
)  # fmt: skip
def test_without_a_token_nothing_is_sent(deed: Any, halt: str | None, trouble: str) -> None:
    with scripted_http(deed) as server, scripted_relay(EHLO=BEARER) as relay:
        answer = send_to(relay.port, **tokens_by_url(server.port))
    assert (verdict(answer), answer.halt) == ("not sent", halt)
    assert trouble in answer.trouble
    assert not any(line.startswith(b"AUTH") for line in relay.requests)


def test_a_refused_token_is_replaced_once() -> None:
    """It may have ended early; refused again, the account has no right to send, and a person must look."""
    with scripted_http(token("one"), token("two")) as server:
        with scripted_relay(EHLO=BEARER, **FAILED) as relay:
            answer = send_to(relay.port, **tokens_by_url(server.port))
        assert (verdict(answer), answer.halt) == ("not sent", "gateway-credentials")
        assert len(server.requests) == 2
        with scripted_relay(EHLO=BEARER, **FAILED, AUTH_2=b"235 in\r\n") as relay:
            assert verdict(send_to(relay.port, **tokens_by_url(server.port))) == "taken"


def test_a_token_file_is_read_at_each_login(tmp_path: Path) -> None:
    file = tmp_path / "token"
    settings = {"auth": "xoauth2", "user": "u", "access_token_file": str(file)}
    with scripted_relay(EHLO=BEARER, AUTH=b"235 in\r\n", MAIL_2=hang_up) as relay:
        own = gateway(relay.port, **settings)
        for name in ("one", "two"):
            file.write_text(name + "\n")
            file.chmod(0o600)
            own.send(name, [HELLO], per_request=1, only=frozenset({7}))
        file.chmod(0o644)
        (look,) = own.look()
        own.close()
    logins = [said(line) for line in relay.requests if line.startswith(b"AUTH")]
    assert [one.split("Bearer ")[1].strip("\x01") for one in logins] == ["one", "two"]
    assert (look.good, "can be read by others" in look.says) == (False, True)


@pytest.mark.parametrize("host", ["relay..example.org", "a" * 64 + ".example.org"])
def test_a_host_that_is_no_name_is_one_that_cannot_be_reached(host: str) -> None:
    """A slip of the pen: nothing was sent, and it is said."""
    answer = send_to(25, host=host, tls="starttls")
    assert answer.not_sent == {7}
    assert answer.trouble.startswith("the relay cannot be reached")
