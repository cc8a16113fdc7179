"""The SMTP gateway against whole relays: aiosmtpd always, Postfix where it is installed (CI installs it)."""

from __future__ import annotations

import contextlib
import email
import email.policy
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clinic.errors import GatewayRefused
from clinic.gateway.protocol import Outgoing, Taken, Turned
from clinic.gateway.smtp.email import Smtp
from clinic.gateway.smtp.tokens import FileTokens
from clinic.settings import EmailGateway
from tests.clinic.gateway.bounces.helpers import reader
from tests.clinic.gateway.smtp.test_named import gateway
from tests.servers.certificates import server_context
from tests.servers.mail.dovecot import can_run as dovecot_can_run
from tests.servers.mail.dovecot import running_dovecot
from tests.servers.mail.postfix import can_run, running_postfix
from tests.servers.relay import running_relay

# The port, and a function that waits for so many messages and gives them
Relay = tuple[int, Callable[[int], list[bytes]]]
PATIENTS = ["sian", "john", "mary"]


@contextlib.contextmanager
def _aiosmtpd() -> Iterator[Relay]:
    def refuse(address: str) -> str | None:
        local, _, domain = address.partition("@")
        if domain != "example.org":
            return "554 5.7.1 Relay access denied"
        return None if local in PATIENTS else "550 5.1.1 User unknown"

    with running_relay(refuses=refuse) as relay:
        yield relay.port, lambda _: relay.texts()


@contextlib.contextmanager
def _postfix() -> Iterator[Relay]:
    with running_postfix(PATIENTS) as relay:
        yield relay.port, relay.delivered


RELAYS = {"aiosmtpd": _aiosmtpd} | ({"postfix": _postfix} if can_run() else {})


@pytest.fixture(scope="module", params=RELAYS)
def relay(request: pytest.FixtureRequest) -> Iterator[Relay]:
    """A relay that knows three patients of example.org and relays to nobody else."""
    with RELAYS[request.param]() as running:
        yield running


def test_a_campaign_arrives_at_a_real_relay(relay: Relay) -> None:
    """60 messages in Welsh over four kept connections, one to an unknown user, none lost or doubled."""
    port, delivered = relay
    messages = [
        Outgoing(n, f"{PATIENTS[n % 3]}@example.org", f"Sut mae?\n.\nŵ {n}\n", "Tŷ Gwyn")
        for n in range(60)
    ]
    messages.append(Outgoing(60, "nobody@example.org", "Hello", "Hello"))
    settings = EmailGateway(host="127.0.0.1", port=port, tls="none", sender="practice@example.org")
    way_out = Smtp(settings, sender_name="Y Feddygfa")
    answer = way_out.send("key", messages, per_request=1, only=frozenset(range(61)))

    turned = answer.results[60]
    assert isinstance(turned, Turned)
    assert (turned.code, turned.says) == ("mailbox_unknown", "550 5.1.1: no such mailbox")
    taken = [answer.results[n] for n in range(60)]
    assert (
        len({one.gateway_ref for one in taken if isinstance(one, Taken) and one.gateway_ref}) == 60
    )
    parsed = [email.message_from_bytes(m, policy=email.policy.default) for m in delivered(60)]
    assert sorted(m["Message-ID"] for m in parsed) == sorted(
        f"<{n}.key@example.org>" for n in range(60)
    )
    bodies = {m["Message-ID"]: m.get_content().replace("\r\n", "\n") for m in parsed}
    assert bodies["<17.key@example.org>"] == "Sut mae?\n.\nŵ 17\n"

    # A relay that will not relay for us is our settings' fault, no patient's
    elsewhere = [Outgoing(70, "sian@elsewhere.example", "Hello", "Hello")]
    refused = way_out.send("other", elsewhere, per_request=1, only=frozenset([70]))
    assert refused.halt == "gateway-sender-refused"
    assert refused.not_sent == {70}
    way_out.close()


_ENCRYPTED = """\
smtpd_tls_security_level = encrypt
smtpd_tls_received_header = yes
smtpd_tls_chain_files = {folder}/server.pem
"""


@pytest.mark.skipif(
    not can_run(), reason="Postfix is not installed, or this is not root: .ci/run installs it"
)
@pytest.mark.parametrize("trusted", [True, False], ids=["of our authority", "of nobody we trust"])
def test_a_real_relay_by_name_is_spoken_to_over_tls_alone(tmp_path: Path, trusted: bool) -> None:
    """STARTTLS of a real server, its certificate by an authority of one's own; else not a word."""
    server_context(tmp_path)
    with running_postfix(PATIENTS, settings=_ENCRYPTED.format(folder=tmp_path)) as relay:
        own = gateway(
            relay.port, tls="starttls", html=True, bounce_address="bounces@example.org",
            authority_file=str(tmp_path / "server.pem") if trusted else "",
        )  # fmt: skip
        messages = [Outgoing(n, "sian@example.org", f"Sut mae {n}", "Hello") for n in range(20)]
        answer = own.send("k", messages, per_request=1, only=frozenset(range(20)))
        own.close()
        arrived = relay.delivered(20 if trusted else 0)
    assert answer.halt == (None if trusted else "gateway-tls")
    assert len(answer.results) == len(arrived) == (20 if trusted else 0)
    assert all(b"TLSv1.3" in text and b"text/html" in text for text in arrived)


_LOGINS = """\
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl}
smtpd_client_restrictions = permit_sasl_authenticated, reject
smtpd_delay_reject = yes
"""


@pytest.mark.skipif(
    not (can_run() and dovecot_can_run()),
    reason="Postfix or Dovecot is not installed, or this is not root: .ci/run installs them",
)
def test_a_real_relay_takes_each_kind_of_login_and_refuses_a_wrong_one(tmp_path: Path) -> None:
    """PLAIN, LOGIN and XOAUTH2 at a Postfix that asks a Dovecot, whose tokens somebody else judges."""
    token = tmp_path / "token"
    token.touch(0o600)
    by_token = {"auth": "xoauth2", "access_token_file": str(token)}
    logins: list[tuple[dict[str, str], str, bool]] = [
        ({"auth": "plain", "password": "secret"}, "", True),
        ({"auth": "login", "password": "secret"}, "", True),
        ({"password": "wrong"}, "", False),
        (by_token, "good", True),
        (by_token, "bad", False),
    ]
    with (
        running_dovecot() as dovecot,
        running_postfix(PATIENTS, settings=_LOGINS.format(sasl=dovecot.sasl)) as relay,
    ):
        for number, (login, secret, good) in enumerate(logins):
            token.write_text(secret)
            own = gateway(relay.port, user="me", timeout_seconds=60, **login)
            message = Outgoing(number, "sian@example.org", f"Sut mae {number}", "Hello")
            answer = own.send("k", [message], per_request=1, only=frozenset({number}))
            own.close()
            assert (number in answer.results) == good, login
            assert answer.halt == (None if good else "gateway-credentials")
        assert len(relay.delivered(3)) == 3
        mailbox = reader(
            dovecot.port, ssl.create_default_context(cafile=dovecot.authority), FileTokens(str(token), "x"),
            tls="starttls",
        )  # fmt: skip
        with pytest.raises(GatewayRefused):
            mailbox.look()
        token.write_text("good")
        assert mailbox.look() == 0
