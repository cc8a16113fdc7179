"""The HTTP gateway against real sockets: what each answer, and each failure, proves."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from clinic.errors import SettingsWrong
from clinic.gateway.http.sms import HttpSms
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Answer, Outgoing, Taken, Turned
from clinic.settings import SmsGateway
from tests.fakes import FakeClock
from tests.servers.certificates import server_context
from tests.servers.recorder import running_gateway
from tests.servers.scripted import (
    Deed,
    drip,
    hang,
    hang_up,
    never_end,
    read_request,
    reply,
    reset,
    say,
    scripted_http,
    then,
)

HELLO = [Outgoing(reference=7, to="+447700900123", body="Sut mae, Siân?")]
OK = b"HTTP/1.1 200 OK\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ELSEWHERE = "Location: http://127.0.0.1:1/"
ACCEPTED = b'{"messages": [{"reference": "7", "id": "g7", "status": "accepted"}]}'


def opening(**values: Any) -> Opening:
    return Opening(name="http-sms", channel="sms", **values)


def gateway(url: str, **settings: object) -> HttpSms:
    defaults = {
        "url": url, "token": "t", "gateway_class": "I", "per_request": 100, "timeout_seconds": 0.4,
    }  # fmt: skip
    return HttpSms(SmsGateway.model_validate(defaults | settings), opening(clock=FakeClock()))


def send_to(
    url: str, messages: list[Outgoing] = HELLO, key: str = "k", **settings: object
) -> Answer:
    """One call of a gateway of its own."""
    way_out = gateway(url, **settings)
    try:
        return way_out.send(
            key,
            messages,
            per_request=way_out.per_request,
            only=frozenset(m.reference for m in messages),
        )
    finally:
        way_out.close()


def verdict(answer: Answer, reference: int = 7) -> str:
    """taken, turned, not sent, or ambiguous: exactly one, whatever the answer."""
    said = [reference in answer.results, reference in answer.not_sent]
    assert said.count(True) <= 1
    if said[1]:
        return "not sent"
    result = answer.results.get(reference)
    return {Taken: "taken", Turned: "turned"}.get(type(result), "ambiguous")


def settles(*entries: Mapping[str, object], status: int = 200) -> Deed:
    return reply(status, json.dumps({"messages": entries}).encode())


class Row(NamedTuple):
    """What a provider does, and what that proves of a message."""

    name: str
    deed: Deed
    verdict: str
    retry_after: float | None = None
    halt: str | None = None


def entry(status: str, reference: object = "7", **more: object) -> dict[str, object]:
    return {"reference": reference, "status": status, **more}


TABLE = [
    # Taken, turned
    Row("200 accepted", reply(200, ACCEPTED), "taken"),
    Row("202 accepted", reply(202, ACCEPTED), "taken"),
    Row("207 accepted", reply(207, ACCEPTED), "taken"),
    Row("100 Continue first", then(say(CONTINUE), reply(200, ACCEPTED)), "taken"),
    Row("in chunks", say(OK + CHUNKED + b"\r\n44\r\n" + ACCEPTED + b"\r\n0\r\n\r\n"), "taken"),
    Row("until it hangs up", then(say(OK + b"\r\n" + ACCEPTED), hang_up), "taken"),
    Row("had it already (class R)", settles(entry("duplicate")), "taken"),
    Row("reference as a number", settles(entry("accepted", 7, id=7)), "taken"),
    Row("barred number", settles(entry("rejected", code="barred")), "turned"),
    # Proven not taken: later
    Row("429", reply(429), "not sent", 2),
    Row("429, 30 s", reply(429, b"", "Retry-After: 30"), "not sent", 30),
    Row("429, until a date", reply(429, b"", "Retry-After: Mon, 02 Mar 2026 10:05:00 GMT"), "not sent", 300),
    Row("429, a billion seconds", reply(429, b"", "Retry-After: 1000000000"), "not sent", 3600),
    Row("429, a number no float holds", reply(429, b"", "Retry-After: " + "9" * 5000), "not sent", 3600),
    Row("429, next year", reply(429, b"", "Retry-After: Tue, 02 Mar 2027 10:05:00 GMT"), "not sent", 3600),
    Row("429, a date gone by", reply(429, b"", "Retry-After: Mon, 02 Mar 2020 10:05:00 GMT"), "not sent", 2),
    Row("429, negative", reply(429, b"", "Retry-After: -5"), "not sent", 2),
    Row("429, nonsense", reply(429, b"", "Retry-After: soon"), "not sent", 2),
    Row("425 too early", reply(425, b"", "Retry-After: 9"), "not sent", 9),
    # Proven not taken: a person must look
    Row("400", reply(400), "not sent", None, "gateway-refused"),
    Row("401", reply(401), "not sent", None, "gateway-credentials"),
    Row("402", reply(402), "not sent", None, "gateway-payment"),
    Row("403", reply(403), "not sent", None, "gateway-credentials"),
    Row("404", reply(404), "not sent", None, "gateway-refused"),
    Row("413", reply(413), "not sent", None, "gateway-refused"),
    Row("422: same key, other body", reply(422), "not sent", None, "gateway-key-reused"),
    Row("308", reply(308, b"", ELSEWHERE), "not sent", None, "gateway-moved"),
    Row("303: done, look there", reply(303, b"", ELSEWHERE), "ambiguous", None, "gateway-moved"),
    # Ambiguous
    Row("408", reply(408), "ambiguous"),
    Row("409: same key at work", reply(409, b"", "Retry-After: 3"), "ambiguous", 3),
    Row("500", reply(500), "ambiguous"),
    Row("502", reply(502), "ambiguous"),
    Row("503", reply(503, b"", "Retry-After: 30"), "ambiguous", 30),
    Row("504", reply(504), "ambiguous"),
    Row("no answer", hang, "ambiguous"),
    Row("closed without an answer", hang_up, "ambiguous"),
    Row("reset", reset, "ambiguous"),
    Row("closed inside the head", then(say(OK + b"Conte"), hang_up), "ambiguous"),
    Row("closed inside the body", then(reply(200, ACCEPTED[:30], length=len(ACCEPTED)), hang_up), "ambiguous"),
    Row("body shorter than it says", then(reply(200, ACCEPTED, length=999), hang), "ambiguous"),
    Row("chunks without an end", then(say(OK + CHUNKED + b"\r\n44\r\n" + ACCEPTED), hang_up), "ambiguous"),
    Row("body longer than it says", reply(200, ACCEPTED, length=10), "ambiguous"),
    Row("one byte at a time", drip(OK + b"Content-Length: 68\r\n\r\n" + ACCEPTED), "ambiguous"),
    Row("a body without end", never_end(OK + b"\r\n", b" " * 65536), "ambiguous"),
    Row("a body of 50 MB", reply(200, b" " * 50_000_000), "ambiguous"),
    Row("a body without end, quickly", never_end(OK + b"\r\n", b" " * 5_000_000), "ambiguous"),
    Row("headers without end", never_end(OK, b"X: " + b"y" * 4000 + b"\r\n"), "ambiguous"),
    Row("100 Continue without end", never_end(b"", CONTINUE), "ambiguous"),
    Row("not HTTP", say(b"SSH-2.0-OpenSSH_9.2\r\n"), "ambiguous"),
    Row("204", reply(204), "ambiguous"),
    Row("HTML", reply(200, b"<html><body>Welcome to the hotel's network</body></html>"), "ambiguous"),
    Row("empty", reply(200), "ambiguous"),
    Row("truncated JSON", reply(200, ACCEPTED[:-3]), "ambiguous"),
    Row("a zip bomb's outside", reply(200, gzip.compress(ACCEPTED), "Content-Encoding: gzip"), "ambiguous"),
    Row("JSON of another shape", reply(200, b'["accepted"]'), "ambiguous"),
    Row("messages no list", reply(200, b'{"messages": "accepted"}'), "ambiguous"),
    Row("entries no objects", reply(200, b'{"messages": ["7", null, 7]}'), "ambiguous"),
    Row("a status not in the contract", settles(entry("queued?")), "ambiguous"),
    Row("not in the answer", settles(), "ambiguous"),
    Row("both accepted and rejected", settles(entry("accepted"), entry("rejected")), "ambiguous"),
]  # fmt: skip


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in TABLE])
def test_each_answer_proves_what_the_table_says(row: Row) -> None:
    """reliability §2.4 and §6 tests 22 to 27: N, A, D, F and P; and each within its time-out."""
    with scripted_http(row.deed) as server:
        began = time.monotonic()
        answer = send_to(server.url)
    assert (verdict(answer), answer.retry_after, answer.halt) == row[2:]
    assert time.monotonic() - began < 60  # a drip or a silence would last for ever
    assert len(server.requests) == 1  # never repeated behind the ledger's back


def test_a_503_proves_nothing_unless_the_provider_promises_so() -> None:
    with scripted_http(reply(503, b"", "Retry-After: 30")) as server:
        answer = send_to(server.url, busy_is_refusal=True)
    assert (verdict(answer), answer.retry_after) == ("not sent", 30)


def test_a_refused_connection_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert verdict(send_to(f"http://127.0.0.1:{port}")) == "not sent"


def test_an_unknown_host_is_not_sent() -> None:
    assert verdict(send_to("https://provider.invalid")) == "not sent"


def test_a_connection_that_never_opens_is_not_sent() -> None:
    """A full backlog: the handshake is never answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        with socket.create_connection(address), _filled(address):
            answer = send_to(f"http://127.0.0.1:{address[1]}")
    assert verdict(answer) == "not sent"


class _filled:  # noqa: N801  reads as what it is
    """Connections that nobody accepts, until no more fit."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.waiting = [socket.socket() for _ in range(4)]
        for each in self.waiting:
            each.setblocking(False)
            each.connect_ex(address)

    def __enter__(self) -> None:
        time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        for each in self.waiting:
            each.close()


def test_tls_that_is_not_spoken_is_not_sent() -> None:
    with scripted_http(reply(200, ACCEPTED)) as server:
        answer = send_to(server.url.replace("http", "https"))
    assert verdict(answer) == "not sent"
    assert server.requests == []


@pytest.fixture
def good_tls(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return server_context(tmp_path)


def test_a_certificate_is_checked(good_tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """Nobody whom the system trusts has signed it: nothing leaves, and a person must look."""
    with scripted_http(reply(200, ACCEPTED), tls=good_tls[0]) as server:
        answer = send_to(server.url.replace("http", "https"))
    assert (verdict(answer), answer.halt) == ("not sent", "gateway-tls")
    assert server.requests == []


@pytest.mark.parametrize(("expired", "expected"), [(False, "taken"), (True, "not sent")])
def test_an_expired_certificate_is_not_accepted(
    tmp_path: Path, expired: bool, expected: str
) -> None:
    ours, theirs = server_context(tmp_path, expired=expired)
    with scripted_http(reply(200, ACCEPTED), tls=ours) as server:
        url = server.url.replace("http", "https")
        way_out = HttpSms(SmsGateway(gateway_class="I", url=url), opening(trust=theirs))
        answer = way_out.send("k", HELLO, per_request=1, only=frozenset([7]))
        way_out.close()
    assert verdict(answer) == expected


def test_the_request_keeps_the_contract() -> None:
    with scripted_http(reply(200, ACCEPTED)) as server:
        send_to(server.url + "/v1/", key="sub")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/messages HTTP/1.1")
    assert b"\r\nIdempotency-Key: sub/0\r\n" in head
    assert b"\r\nAuthorization: Bearer t\r\n" in head
    assert json.loads(body) == {
        "messages": [{"reference": "7", "to": "+447700900123", "body": "Sut mae, Siân?"}]
    }


def many(count: int) -> list[Outgoing]:
    return [Outgoing(i, f"+4477009{i:05d}", f"Hello {i}") for i in range(count)]


def test_a_replay_sends_the_same_bytes_under_the_same_keys_and_only_the_open_parts() -> None:
    messages = many(10)
    with scripted_http(reply(500)) as server:
        way_out = gateway(server.url, connections=1)
        for only in (frozenset(range(10)), frozenset([4, 9])):
            way_out.send("k", messages, per_request=3, only=only)
        way_out.close()
    first, again = server.requests[:4], server.requests[4:]
    assert again == [first[1], first[3]]


def test_999_of_1000_are_settled_and_one_is_in_doubt() -> None:
    entries = [{"reference": str(i), "id": f"g{i}", "status": "accepted"} for i in range(999)]
    with scripted_http(settles(*entries, status=207)) as server:
        answer = send_to(server.url, many(1000), per_request=1000)
    assert answer.results.keys() == set(range(999))
    assert not answer.not_sent


def test_strange_references_settle_nobody_and_are_counted() -> None:
    """A provider that mixes up its customers must not settle another campaign's messages."""
    entries = [
        {"reference": reference, "id": "x", "status": "accepted"}
        for reference in ("7", "7", "8", "99", 1e300, None, ["7"])
    ]
    with scripted_http(settles(*entries)) as server:
        answer = send_to(server.url)
    assert answer.results == {7: Taken("x")}
    assert answer.strays == 6


def test_nothing_is_sent_when_nothing_is_open() -> None:
    with scripted_http(reply(200, ACCEPTED)) as server:
        way_out = gateway(server.url)
        assert way_out.send("k", many(3), per_request=1, only=frozenset()) == Answer()
        way_out.close()
    assert server.requests == []


def test_what_was_settled_before_is_not_settled_again() -> None:
    entries = [{"reference": str(i), "id": "late", "status": "accepted"} for i in range(3)]
    with scripted_http(settles(*entries)) as server:
        way_out = gateway(server.url)
        answer = way_out.send("k", many(3), per_request=3, only=frozenset([1]))
        way_out.close()
    assert answer.results.keys() == {1}


def test_a_provider_cannot_make_us_keep_a_number() -> None:
    """What it says of a refusal is kept without numbers and addresses, and cut."""
    says = "Number +44 7700 900123 of j.jones@example.org is barred\x00\n" + "z" * 999
    entry = {"reference": "7", "status": "rejected", "code": "Barred Number!", "message": says}
    with scripted_http(settles(entry)) as server:
        answer = send_to(server.url)
    turned = answer.results[7]
    assert isinstance(turned, Turned)
    assert turned.code == "barred_number"
    assert turned.says.startswith("Number … of … is barred")
    assert len(turned.says) <= 200


@pytest.mark.parametrize(
    "deed",
    [reply(401), reply(429), hang, reply(503, b"", "Retry-After: 1")],
    ids=["wrong credentials", "too many", "no answer", "busy"],
)
def test_a_provider_that_refuses_at_the_door_is_asked_once(deed: Deed) -> None:
    """§6 test 31: one request, not one for each of 1,000 messages; the rest is proven not sent."""
    with scripted_http(deed) as server:
        answer = send_to(server.url, many(1000), per_request=1)
    assert len(server.requests) == 1
    assert len(answer.not_sent) >= 999
    assert not answer.results


def test_being_asked_to_try_again_at_once_does_not_stop_the_others() -> None:
    """At one message a request a stray 429 would else make a thousand messages a thousand calls."""
    with scripted_http(
        reply(200, ACCEPTED), reply(429, b"", "Retry-After: 0"), reply(500)
    ) as server:
        answer = send_to(server.url, many(20), per_request=1, connections=1)
    assert len(server.requests) == 20
    assert (answer.not_sent, answer.retry_after) == ({1}, 0)


def test_a_slow_provider_does_not_outlive_the_lease() -> None:
    """Parts not begun in time are given back as not sent, to be tried again at once."""

    def slowly(talk: socket.socket, ended: object) -> None:
        time.sleep(0.4)
        reply(200, ACCEPTED)(talk, ended)  # type: ignore[arg-type]

    with scripted_http(slowly) as server:
        settings = SmsGateway(gateway_class="I", url=server.url, connections=1)
        way_out = HttpSms(settings, opening(call_seconds=16.0))  # 15 of them are an answer's
        answer = way_out.send("k", many(20), per_request=1, only=frozenset(range(20)))
        way_out.close()
    assert 2 <= len(server.requests) <= 4
    assert len(answer.not_sent) == 20 - len(server.requests)
    assert answer.retry_after == 0


def test_connections_are_kept_and_no_more_than_allowed() -> None:
    with running_gateway(latency_ms=2) as provider:
        way_out = gateway(provider.url, connections=5, timeout_seconds=5)
        for number in range(3):
            way_out.send(f"k{number}", many(100), per_request=1, only=frozenset(range(100)))
        report = provider.report()
        way_out.close()
    assert report.requests == 300
    assert report.connections <= 5 + 1  # and the report's own


def test_a_gateway_can_be_used_after_it_was_closed() -> None:
    with running_gateway() as provider:
        way_out = gateway(provider.url, timeout_seconds=5)
        for key in ("a", "b"):
            assert verdict(way_out.send(key, HELLO, per_request=1, only=frozenset([7]))) == "taken"
            way_out.close()
            way_out.close()


@pytest.mark.parametrize(("mode", "per_request"), [("I", 1), ("I", 7), ("R", 7)])
def test_replays_to_a_faulty_provider_reach_everybody_once(mode: str, per_request: int) -> None:
    """§6 tests 22, 23, 25: 429, 5xx done and not done, cut, late and partial answers, all at once."""
    with running_gateway(mode=mode, faults="mix", seed=11, late_ms=600) as provider:
        way_out = gateway(provider.url, gateway_class=mode, connections=8)
        fates: dict[int, Taken | Turned] = {}
        for _ in range(100):
            waiting = frozenset(range(300)) - fates.keys()
            answer = way_out.send("k", many(300), per_request=per_request, only=waiting)
            fates |= answer.results
        report = provider.report()
        way_out.close()
    assert len(fates) == 300
    assert report.taken.keys() == {r for r, fate in fates.items() if isinstance(fate, Taken)}
    assert report.doubled == 0
    assert report.unique > 200
    assert len(report.faults) > 4  # it did misbehave


def test_what_a_provider_does_not_tell_of_is_said_to_be_untold() -> None:
    """Asking again under the same key would bring the same answer: the ledger must know."""
    with running_gateway(faults="half_told=1") as provider:
        for _ in range(2):
            answer = send_to(provider.url, many(10))
            assert answer.results.keys() == set(range(5))
            assert answer.unlisted == set(range(5, 10))
        assert provider.report().unique == 10


def test_a_blind_provider_would_double_what_is_replayed() -> None:
    """The harness's own control: without a key that is kept, replaying is wrong, and is seen."""
    with running_gateway(mode="B", faults="cut=0.5", seed=1) as provider:
        way_out = gateway(provider.url, gateway_class="B")
        for _ in range(4):
            way_out.send("k", many(20), per_request=1, only=frozenset(range(20)))
        assert provider.report().doubled > 0
        way_out.close()


def test_a_blind_provider_gets_small_batches() -> None:
    assert gateway("https://sms.example", gateway_class="B").batch_limit == 50
    assert gateway("https://sms.example", gateway_class="I").batch_limit == 1000


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("sms.example.org", "write an address as https://"),
        ("ftp://sms.example.org", "write an address as https://"),
        ("https://", "write an address as https://"),
        ("https://user:secret@sms.example.org", "gateway-url"),
        ("https://sms.example.org/?token=1", "gateway-url"),
        ("http://sms.example.org", "gateway-insecure"),
    ],
)
def test_an_address_that_cannot_work_or_is_not_safe_is_refused(url: str, code: str) -> None:
    with pytest.raises((SettingsWrong, ValidationError)) as caught:
        gateway(url)
    assert code in str(caught.value)


def test_the_scripted_server_reads_whole_requests() -> None:
    """A request that comes in two pieces is one request: or the tests above would prove little."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab")
        ours.sendall(b"cd")
        assert read_request(theirs) == b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd"
