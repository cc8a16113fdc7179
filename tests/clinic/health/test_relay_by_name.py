"""A relay by a name of its own: looked at without sending, tried with one e-mail, and what letters leave by."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from clinic.clock import SystemClock
from clinic.errors import NotAllowed
from clinic.health.findings import Finding
from clinic.health.gateways.checked import check_gateway
from clinic.health.gateways.listed import list_gateways
from clinic.health.gateways.tried import try_gateway
from clinic.health.letter import addresses, write_to_people
from clinic.health.noted import News
from clinic.health.probes import look_at_gateways
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.settings import Settings
from tests.fakes import FakeClock
from tests.servers.certificates import server_context
from tests.servers.mail.imap import scripted_imap
from tests.servers.relay import running_relay

WHO = {"company": "Mail Ltd", "country": "GB", "contract": "C-7", "keeps": "mails, 5 days"}


def settings(port: int, *, mailbox: int = 0, **own: Any) -> Settings:
    gateway: dict[str, Any] = {
        "type": "smtp", "host": "127.0.0.1", "port": port, "tls": "none", "sender": "p@hill.example",
        "timeout_seconds": 5, "processor": WHO, "bounce_address": "bounces@hill.example", "verp": True,
    } | own  # fmt: skip
    if mailbox:
        gateway["mailbox"] = {
            "host": "127.0.0.1", "port": mailbox, "tls": "none", "user": "b", "password": "secret",
        }  # fmt: skip
    return Settings.model_validate(
        {
            "gateways": {"mail": gateway},
            "channels": {"email": {"gateways": ["mail"]}},
            "receipts": {"secret": "a secret that nobody guesses"},
            "health": {"tell": ["it@hill.example"]},
            "organisation": {"name": "Hill Surgery"},
        }
    )


def said(own: Settings) -> list[tuple[bool | None, str]]:
    return [(one.good, one.says) for one in check_gateway(own, "mail", SystemClock())]


def test_a_relay_and_its_mailbox_are_looked_at_and_nothing_is_sent(tmp_path: Path) -> None:
    ours, _ = server_context(tmp_path)
    login = {"tls": "starttls", "authority_file": str(tmp_path / "server.pem"), "user": "u"}
    offers = {"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n"}
    with running_relay(starttls=ours, login=True) as relay, scripted_imap(**offers) as mailbox:  # type: ignore[arg-type]
        own = settings(relay.port, mailbox=mailbox.port, password="secret", **login)
        found = said(own)
        wrong = said(settings(relay.port, mailbox=1, password="wrong", **login))
    assert [good for good, _ in found] == [True] * 4
    text = " ".join(says for _, says in found)
    assert "its mailbox can be read; e-mails in INBOX: 1" in text
    assert "encrypted (TLSv1.3), it takes our login" in text
    assert relay.envelopes == []
    assert [good for good, _ in wrong] == [True, True, False, False]
    assert "mailbox of gateways.mail.mailbox cannot be read now" in wrong[2][1]
    assert "refuses the login" in wrong[3][1]
    assert "secret" not in text + repr(wrong)


def test_health_believes_the_authority_of_a_relay_and_says_where_there_is_none(
    tmp_path: Path,
) -> None:
    """One that cannot be believed keeps nothing else from being looked at."""
    ours, _ = server_context(tmp_path)
    with running_relay(starttls=ours) as relay:
        by = {"tls": "starttls", "authority_file": str(tmp_path / "server.pem")}
        (good,) = look_at_gateways(settings(relay.port, **by), SystemClock())
    assert good.fault == ""
    assert good.ends_at is not None
    none = settings(1, mailbox=1, tls="starttls", authority_file="nothing.pem")
    (wrong,) = look_at_gateways(none, SystemClock())
    assert "gateways.mail.authority_file is no file with a certificate" in wrong.fault
    assert [good for good, _ in said(none)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"expired": True}, "its certificate has expired"),
        ({"address": "127.0.0.9"}, "its certificate is not trusted here"),
        (None, "it offers no encryption that is trusted here"),
    ],
)
def test_a_certificate_is_judged_before_anything_is_sent(
    tmp_path: Path, made: dict[str, Any] | None, says: str
) -> None:
    ours, _ = server_context(tmp_path, **(made or {}))
    with running_relay(starttls=None if made is None else ours) as relay:
        authority = str(tmp_path / "server.pem")
        found = said(settings(relay.port, tls="starttls", authority_file=authority))
    assert (False, says) in found
    assert found[-1][0] is False


def test_one_e_mail_to_oneself_has_a_token_and_a_listing_says_what_is_told(
    sqlite_record: Record, clock: FakeClock
) -> None:
    install(sqlite_record, clock)
    with running_relay() as relay:
        own = settings(relay.port)
        tried = try_gateway(sqlite_record, clock, own, "mail", to="it@hill.example", by="ann")
        with pytest.raises(NotAllowed, match="gateway-test-number"):
            try_gateway(sqlite_record, clock, own, "mail", to="it@@hill.example", by="ann")
    assert tried.taken
    (envelope,) = relay.envelopes
    assert re.fullmatch(r"bounces\+[a-z2-7]{29}@hill\.example", str(envelope.mail_from))
    (listed,) = list_gateways(sqlite_record, own, clock.now())
    assert (listed.kind, listed.channels, listed.gateway_class) == ("smtp", ("email",), "B")
    assert listed.reached == f"smtp://127.0.0.1:{relay.port}"


def test_a_letter_leaves_by_the_relay_that_e_mails_leave_by() -> None:
    """There is no [email]: who runs Cohort is told all the same."""
    with running_relay() as relay:
        own = settings(relay.port)
        finding = Finding("sending-stopped", "nothing is sent: a person stopped it")
        assert addresses(own) == ("it@hill.example",)
        assert write_to_people(own, SystemClock(), News((finding,), ()))
    assert [one.rcpt_tos for one in relay.envelopes] == [["it@hill.example"]]
