"""The SMTP gateway against real relays: what each answer, and each lost connection, proves."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from clinic.errors import SettingsWrong
from clinic.gateway.protocol import Answer, Outgoing, Taken, Turned
from clinic.gateway.smtp.email import Smtp
from clinic.settings import EmailGateway
from tests.fakes import FakeClock
from tests.servers.certificates import server_context
from tests.servers.relay import running_relay, scripted_relay
from tests.servers.scripted import Deed, drip, hang, hang_up, never_end, reset, say, then

HELLO = [Outgoing(7, "sian@example.org", "Sut mae, Siân?", "Eich apwyntiad")]


def gateway(port: int, *, trust: ssl.SSLContext | None = None, **settings: object) -> Smtp:
    defaults: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "practice@example.org",
        "timeout_seconds": 0.4,
        "connections": 1,
    }
    return Smtp(
        EmailGateway.model_validate(defaults | settings),
        sender_name="Y Feddygfa, Tŷ Gwyn",
        clock=FakeClock(),
        trust=trust,
    )


def send(way_out: Smtp, messages: list[Outgoing] = HELLO, key: str = "k") -> Answer:
    only = frozenset(m.reference for m in messages)
    return way_out.send(key, messages, per_request=1, only=only)


def send_to(
    port: int,
    messages: list[Outgoing] = HELLO,
    *,
    trust: ssl.SSLContext | None = None,
    **settings: object,
) -> Answer:
    """One call of a gateway of its own."""
    way_out = gateway(port, trust=trust, **settings)
    try:
        return send(way_out, messages)
    finally:
        way_out.close()


def verdict(answer: Answer, reference: int = 7) -> str:
    """taken, turned, not sent, or ambiguous: exactly one, whatever the answer."""
    assert not (reference in answer.results and reference in answer.not_sent)
    if reference in answer.not_sent:
        return "not sent"
    result = answer.results.get(reference)
    return {Taken: "taken", Turned: "turned"}.get(type(result), "ambiguous")


class Row(NamedTuple):
    """At which command a relay says or does what, and what that proves of the message."""

    command: str
    deed: Deed | bytes
    verdict: str
    halt: str | None = None


TABLE = [
    # Before anything was said of the message
    Row("CONNECT", b"421 4.3.2 busy\r\n", "not sent"),
    Row("CONNECT", b"554 5.7.1 no service\r\n", "not sent"),
    Row("CONNECT", hang, "not sent"),
    Row("CONNECT", hang_up, "not sent"),
    Row("CONNECT", b"HTTP/1.1 400 Bad Request\r\n", "not sent"),
    Row("CONNECT", never_end(b"", b"220-welcome\r\n"), "not sent"),
    Row("CONNECT", never_end(b"", b"220 " + b"x" * 4000), "not sent"),
    Row("EHLO", hang_up, "not sent"),
    # The envelope
    Row("MAIL", b"451 4.3.0 later\r\n", "not sent"),
    Row("MAIL", b"421 4.3.2 closing\r\n", "not sent"),
    Row("MAIL", b"530 5.7.0 log in first\r\n", "not sent", "gateway-credentials"),
    Row("MAIL", b"550 5.7.1 not your sender\r\n", "not sent", "gateway-sender-refused"),
    Row("MAIL", then(say(b"550 5.7.1 blocked\r\n"), hang_up), "not sent", "gateway-sender-refused"),
    Row("MAIL", b"552 5.3.4 too large\r\n", "turned"),
    Row("MAIL", reset, "not sent"),
    Row("RCPT", b"450 4.2.0 greylisted\r\n", "not sent"),
    Row("RCPT", b"550 5.1.1 no such user\r\n", "turned"),
    Row("RCPT", then(say(b"550 5.1.1 no such user\r\n"), hang_up), "turned"),
    Row("RCPT", b"554 5.7.1 Relay access denied\r\n", "not sent", "gateway-sender-refused"),
    Row("RCPT", hang, "not sent"),
    Row("RCPT", b"what?\r\n", "not sent"),
    Row("DATA", b"451 4.3.0 later\r\n", "not sent"),
    Row("DATA", b"554 5.5.1 no valid recipients\r\n", "turned"),
    Row("DATA", hang_up, "not sent"),
    # After the final dot
    Row("TEXT", b"250 2.0.0 Ok\r\n", "taken"),
    Row("TEXT", b"452 4.3.1 disk full\r\n", "not sent"),
    Row("TEXT", b"554 5.6.0 content refused\r\n", "turned"),
    Row("TEXT", b"550 5.7.1 taken for spam\r\n", "turned"),
    Row(
        "TEXT",
        b"550 5.7.60 no right to send as this sender\r\n",
        "not sent",
        "gateway-sender-refused",
    ),
    Row("TEXT", b"554 5.2.252 SendAsDenied\r\n", "not sent", "gateway-sender-refused"),
    Row("TEXT", b"450 5.7.60 later\r\n", "not sent"),
    Row("TEXT", hang, "ambiguous"),
    Row("TEXT", hang_up, "ambiguous"),
    Row("TEXT", reset, "ambiguous"),
    Row("TEXT", b"ok\r\n", "ambiguous"),
    Row("TEXT", drip(b"250 2.0.0 Ok: queued as 4FABC\r\n"), "ambiguous"),
    Row("TEXT", never_end(b"", b"250-more\r\n"), "ambiguous"),
]


OFFERS_PIPELINING = b"250-relay\r\n250-PIPELINING\r\n250 DSN\r\n"


@pytest.mark.parametrize("pipelined", [False, True], ids=["one by one", "pipelined"])
@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{number}-{row.command}-{row.verdict}")
        for number, row in enumerate(TABLE)
    ],
)
def test_each_answer_proves_what_the_table_says(row: Row, pipelined: bool) -> None:
    """reliability §2.4: 4xx and losses before the text are N, 5xx D, a loss after the dot A."""
    offers = {"EHLO": OFFERS_PIPELINING} if pipelined else {}
    with scripted_relay(**(offers | {row.command: row.deed})) as relay:  # type: ignore[arg-type]
        began = time.monotonic()
        answer = send_to(relay.port)
    assert (verdict(answer), answer.halt) == (row.verdict, row.halt)
    assert time.monotonic() - began < 60  # a drip or a silence would last for ever


def test_pipelined_commands_leave_in_one_write_and_are_answered_each_by_itself() -> None:
    """RFC 2920: after a refused recipient the relay waits for a text all the same, and gets an empty one."""
    with scripted_relay(EHLO=OFFERS_PIPELINING, RCPT_2=b"550 5.1.1 unknown\r\n") as relay:
        answer = send_to(relay.port, many(3))
    assert [verdict(answer, n) for n in range(3)] == ["taken", "turned", "taken"]
    assert relay.connections == 1
    texts = [one for one in relay.requests if one == b"" or one.startswith(b"From:")]
    assert [bool(one) for one in texts] == [True, False, True]


@pytest.mark.parametrize(
    ("deeds", "connections"),
    [
        ({"TEXT_1": b"250 2.0.0 Ok\r\n250 2.1.0 stray\r\n"}, 2),
        ({"TEXT_1": b"250 2.0.0 Ok\r\n421 4.4.2 idle too long\r\n"}, 2),
        ({"MAIL_2": b"421 4.7.0 too many mails by this connection\r\n"}, 2),
        ({}, 1),
    ],
    ids=["an answer too many", "closed while idle", "enough of this connection", "as it should be"],
)
def test_an_answer_that_nobody_asked_for_counts_for_no_message(
    deeds: dict[str, bytes], connections: int
) -> None:
    """Taken for the answer to the next command, it would say of each later mail what the one before got."""
    with scripted_relay(**deeds) as relay:
        way_out = gateway(relay.port)
        verdicts = [verdict(send(way_out, key=f"k{n}")) for n in range(3)]
        way_out.close()
    assert verdicts == ["taken"] * 3
    assert relay.connections == connections


@pytest.mark.parametrize("offers", [b"250 relay\r\n", OFFERS_PIPELINING])
def test_a_yes_before_the_text_is_none_to_the_text(offers: bytes) -> None:
    early = b"354 go on\r\n250 2.0.0 Ok: queued as 4F1\r\n"
    with scripted_relay(EHLO=offers, DATA=early, TEXT=b"554 5.6.0 no\r\n") as relay:
        assert verdict(send_to(relay.port)) == "not sent"
    assert not any(line.startswith(b"From:") for line in relay.requests)


def test_a_refused_connection_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert verdict(send_to(port)) == "not sent"


def many(count: int) -> list[Outgoing]:
    return [Outgoing(i, f"p{i}@example.org", f"Hello {i}", "Hello") for i in range(count)]


def test_each_patient_gets_an_envelope_of_their_own() -> None:
    """Nobody sees another's address: one recipient an envelope, and To: names the same one."""
    with running_relay() as relay:
        answer = send_to(relay.port, many(40), connections=4, timeout_seconds=10)
    assert len(answer.results) == 40
    assert sorted(e.rcpt_tos[0] for e in relay.envelopes) == sorted(m.to for m in many(40))
    for envelope, text in zip(relay.envelopes, relay.texts(), strict=True):
        assert [email.message_from_bytes(text)["To"]] == envelope.rcpt_tos
    assert answer.results.keys() == set(range(40))


def test_a_message_arrives_as_it_was_written() -> None:
    text = "Annwyl Siân,\n.\n..dots\nFrom here\n" + "ŵ" * 300 + "\n\tمرحبا 🎂 = end \r\nlast"
    subject = "Eich apwyntiad ar ddydd Llun – Tŷ Gwyn " + "a" * 60
    with running_relay() as relay:
        send_to(relay.port, [Outgoing(7, "sian@example.org", text, subject)], timeout_seconds=10)
    parsed = email.message_from_bytes(relay.texts()[0], policy=email.policy.default)
    # The wire's line ends are CR LF, and the last line has one
    assert parsed.get_content() == "\r\n".join(text.splitlines()) + "\r\n"
    assert parsed["Subject"] == subject
    assert parsed["From"] == '"Y Feddygfa, Tŷ Gwyn" <practice@example.org>'
    assert parsed["Message-ID"] == "<7.k@example.org>"
    assert parsed["Date"] == "Mon, 02 Mar 2026 10:00:00 +0000"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert max(map(len, relay.texts()[0].split(b"\r\n"))) <= 998
    assert parsed.defects == []


def test_bounces_go_to_the_bounce_address_and_name_the_message() -> None:
    with scripted_relay() as relay:
        send_to(relay.port, bounce_address="bounces+a@example.org")
    envelope = [line.rstrip().partition(b":")[2] for line in relay.requests if b":<" in line]
    assert envelope == [
        b"<bounces+a@example.org> RET=HDRS ENVID=7.k",
        b"<sian@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;sian@example.org",
    ]


@pytest.mark.parametrize(
    ("to", "subject", "code"),
    [
        ("a@example.org\r\nRCPT TO:<b@example.org>", "Hello", "email_invalid"),
        ("a@example.org>\x00", "Hello", "email_invalid"),
        ("a@example.org, b@example.org", "Hello", "email_invalid"),
        ("<a@example.org>", "Hello", "email_invalid"),
        ("siân@example.org", "Hello", "email_invalid"),
        ("a@" + "é" * 80 + ".org", "Hello", "email_invalid"),
        ("nobody", "Hello", "email_invalid"),
        ("", "Hello", "email_invalid"),
        ("a@example.org", "Hello\r\nBcc: b@example.org", "subject_unsafe"),
        ("a@example.org", "Hello\nX: y", "subject_unsafe"),
        ("a@example.org", "Hello\x00", "subject_unsafe"),
    ],
)
def test_nothing_a_value_holds_can_add_a_header_or_a_recipient(
    to: str, subject: str, code: str
) -> None:
    """§6 test 48: refused as a whole, before a connection is made."""
    with scripted_relay() as relay:
        answer = send_to(relay.port, [Outgoing(7, to, "Hello", subject)])
    turned = answer.results[7]
    assert isinstance(turned, Turned)
    assert turned.code == code
    assert relay.requests == []


def test_a_domain_in_any_script_is_written_as_idna() -> None:
    with scripted_relay() as relay:
        answer = send_to(relay.port, [Outgoing(7, "a@tŷ.example", "Hello", "Hello")])
    assert verdict(answer) == "taken"
    assert any(b"<a@xn--t-foa.example>" in line for line in relay.requests)


def test_connections_are_kept_and_reopened_only_when_lost() -> None:
    """A relay that hung up between two campaigns costs a connection, not a message."""
    with scripted_relay(MAIL_3=hang_up) as relay:
        way_out = gateway(relay.port)
        verdicts = [verdict(send(way_out, key=f"k{n}")) for n in range(5)]
        way_out.close()
    assert verdicts == ["taken"] * 5
    assert relay.connections == 2


def test_one_recipients_refusal_does_not_touch_the_others() -> None:
    def refuse(address: str) -> str | None:
        return {
            "p1@example.org": "550 5.1.1 p1@example.org unknown",
            "p2@example.org": "450 later",
        }.get(address)

    with running_relay(refuses=refuse) as relay:
        answer = send_to(relay.port, many(5), timeout_seconds=10)
    assert [verdict(answer, n) for n in range(5)] == [
        "taken",
        "turned",
        "not sent",
        "taken",
        "taken",
    ]
    turned = answer.results[1]
    assert isinstance(turned, Turned)
    assert (turned.code, turned.says) == ("mailbox_unknown", "550 5.1.1: no such mailbox")


def test_a_relay_that_refuses_at_the_door_is_asked_once() -> None:
    with scripted_relay(CONNECT=b"554 5.7.1 no\r\n") as relay:
        answer = send_to(relay.port, many(50))
    assert (relay.connections, len(answer.not_sent)) == (1, 50)


def test_a_slow_relay_does_not_outlive_the_lease() -> None:
    with scripted_relay(TEXT=drip(b"250 ok\r\n", every=0.02)) as relay:
        way_out = Smtp(
            EmailGateway(host="127.0.0.1", port=relay.port, tls="none", connections=1,
                         sender="a@example.org"),
            begin_within=0.3,
        )  # fmt: skip
        answer = send(way_out, many(50))
        way_out.close()
    assert 1 <= len(answer.results) < 10
    assert len(answer.not_sent) == 50 - len(answer.results)
    assert answer.retry_after == 0


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "untrusted"])
def test_the_relays_certificate_is_checked(tmp_path: Path, tls: str, trusted: bool) -> None:
    ours, theirs = server_context(tmp_path)
    with running_relay(**{tls: ours}) as relay:  # type: ignore[arg-type]
        answer = send_to(relay.port, tls=tls, trust=theirs if trusted else None, timeout_seconds=10)
    expected = ("taken", None) if trusted else ("not sent", "gateway-tls")
    assert (verdict(answer), answer.halt) == expected
    assert len(relay.envelopes) == trusted


def test_a_relay_without_encryption_gets_nothing() -> None:
    """Stripping STARTTLS from its answer is the oldest attack on mail."""
    with scripted_relay() as relay:
        answer = send_to(relay.port, tls="starttls")
    assert (verdict(answer), answer.halt) == ("not sent", "gateway-tls")
    assert not any(line.upper().startswith(b"MAIL") for line in relay.requests)


@pytest.mark.parametrize(("password", "halt"), [("secret", None), ("wrong", "gateway-credentials")])
def test_wrong_credentials_halt_and_send_nothing(
    tmp_path: Path, password: str, halt: str | None
) -> None:
    ours, theirs = server_context(tmp_path)
    with running_relay(starttls=ours, login=True) as relay:
        login = {"tls": "starttls", "user": "u", "password": password, "timeout_seconds": 10}
        answer = send_to(relay.port, many(5), trust=theirs, **login)
    assert answer.halt == halt
    assert len(relay.envelopes) == (5 if halt is None else 0)
    assert len(answer.not_sent) == (0 if halt is None else 5)
    assert len(relay.logins) <= 2  # once for each mechanism, not for each message


OFFERS_LOGIN = b"250-relay\r\n250 AUTH PLAIN\r\n"


@pytest.mark.parametrize(
    ("offers", "says", "halt"),
    [
        (OFFERS_LOGIN, b"235 2.7.0 welcome\r\n", None),
        (OFFERS_LOGIN, b"535 5.7.8 wrong\r\n", "gateway-credentials"),
        (OFFERS_LOGIN, b"454 4.7.0 directory is down\r\n", None),
        (b"250 relay\r\n", b"", "gateway-credentials"),
    ],
    ids=["right", "wrong", "for the moment", "no login offered"],
)
def test_a_login_that_fails_for_the_moment_is_tried_again(
    offers: bytes, says: bytes, halt: str | None
) -> None:
    with scripted_relay(EHLO=offers, AUTH=says) as relay:
        answer = send_to(relay.port, user="u", password="p")
    assert answer.halt == halt
    assert verdict(answer) == ("taken" if says.startswith(b"235") else "not sent")


def test_a_login_that_is_offered_and_not_taken_is_followed_by_the_next() -> None:
    """As before this section shared its code; what was refused stays refused where the relay then hangs up."""
    offers = b"250-relay\r\n250 AUTH PLAIN LOGIN\r\n"
    login: dict[str, Deed | bytes] = {
        "AUTH_2": b"334 user\r\n",
        "DQ==": b"334 pass\r\n",
        "CA==": b"235 in\r\n",
    }
    with scripted_relay(EHLO=offers, AUTH_1=b"504 5.7.4 not this one\r\n", **login) as relay:
        assert verdict(send_to(relay.port, user="u", password="p")) == "taken"
    with scripted_relay(EHLO=offers, AUTH_1=b"535 5.7.8 wrong\r\n", AUTH_2=hang_up) as relay:
        assert send_to(relay.port, user="u", password="p").halt == "gateway-credentials"


def test_a_relay_that_hangs_up_at_goodbye_does_no_harm() -> None:
    with scripted_relay(QUIT=hang_up) as relay:
        assert verdict(send_to(relay.port)) == "taken"


def test_an_organisation_cannot_add_a_header_by_its_name() -> None:
    with pytest.raises(SettingsWrong, match="gateway-sender"):
        Smtp(EmailGateway(sender="a@example.org"), sender_name="Practice\nBcc: b@example.org")


def test_our_own_mistake_ends_the_call_and_every_worker() -> None:
    """What was sent by then is in doubt (class B): better than going on with a broken program."""

    def broken(reference: int) -> str:
        raise LookupError("no link")

    with scripted_relay() as relay:
        settings = EmailGateway(
            host="127.0.0.1", port=relay.port, tls="none", sender="a@example.org"
        )
        way_out = Smtp(settings, unsubscribe_url=broken)
        with pytest.raises(LookupError, match="no link"):
            send(way_out, many(10))
        way_out.close()
    assert not any(line.upper().startswith(b"MAIL") for line in relay.requests)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"sender": "practice"}, "gateway-sender"),
        ({"sender": "a@example.org\r\nBcc: b@example.org"}, "gateway-sender"),
        ({"bounce_address": "bounces"}, "gateway-sender"),
        ({"host": "relay.example.org", "user": "u"}, "gateway-insecure"),
    ],
)
def test_settings_that_cannot_work_or_are_not_safe_are_refused(
    settings: dict[str, object], code: str
) -> None:
    with pytest.raises(SettingsWrong) as caught:
        gateway(25, **settings)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_an_unsubscribe_address_is_offered_when_there_is_one() -> None:
    """RFC 8058: one click, and no page to load."""
    with scripted_relay() as relay:
        settings = EmailGateway(
            host="127.0.0.1", port=relay.port, tls="none", sender="a@example.org"
        )
        way_out = Smtp(
            settings, unsubscribe_url=lambda reference: f"https://x.example/u/{reference}"
        )
        send(way_out)
        way_out.close()
    headers = email.message_from_bytes(max(relay.requests, key=len))
    assert headers["List-Unsubscribe"] == "<https://x.example/u/7>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
