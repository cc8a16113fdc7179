"""Any JSON provider by settings alone: what is sent, and what each answer proves, over real sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clinic.gateway.protocol import Answer, Outgoing, Taken, Turned
from tests.servers.providers.verdicts import built, patience, send, verdict
from tests.servers.scripted import Deed, drip, hang, hang_up, reply, reset, say, scripted_http

OK = b"HTTP/1.1 200 OK\r\n"
BODY = {
    "messages": [{"destination": "{to_digits}", "content": "{body}", "ref": "{reference}"}],
    "route": 3,
}
WORDS = {
    "id_at": "messages.0.id", "status_at": "messages.0.state", "accepted": ["QUEUED"], "duplicate": ["SEEN"],
    "rejected": ["INVALID"], "error_at": "error.code", "error_text_at": "error.text",
    "reject_statuses": [400], "reject_codes": ["21211"],
}  # fmt: skip


def ask(url: str, messages: list[Outgoing] | None = None, **section: Any) -> Answer:
    values = {"url": url, "gateway_class": "B", "body": BODY, "token": "t", **WORDS, **section}
    gateway = built("json", **values)
    return send(gateway, messages) if messages else send(gateway)


def says(**message: Any) -> Deed:
    return reply(200, json.dumps({"messages": [message]}).encode())


def error(status: int, code: object) -> Deed:
    return reply(
        status,
        json.dumps({"error": {"code": code, "text": "Number +447700900123 is bad"}}).encode(),
    )


@pytest.mark.parametrize(
    ("deed", "means", "halt"),
    [
        (says(id="a-1", state="QUEUED"), "taken", None),
        (says(id="a-1", state="queued"), "taken", None),
        (says(state="SEEN"), "taken", None),
        (says(id="a-1", state="INVALID"), "turned", None),
        # An error inside a 200; an id that was promised and is none; a page of somebody else's
        (error(200, 17), "ambiguous", None),
        (says(id="", state="QUEUED"), "ambiguous", None),
        (says(state="QUEUED"), "ambiguous", None),
        (says(id=True, state="QUEUED"), "ambiguous", None),
        (says(id="a-1", state="PERHAPS"), "ambiguous", None),
        (says(id="a-1"), "ambiguous", None),
        (reply(200, b"<html>Please sign in</html>"), "ambiguous", None),
        (reply(200, b""), "ambiguous", None),
        (reply(200, b"[]"), "ambiguous", None),
        (reply(204), "ambiguous", None),
        # A refusal of this one; the same status of a fault of set-up
        (error(400, "21211"), "turned", None),
        (error(400, 21211), "turned", None),
        (error(400, "21606"), "not sent", "gateway-refused"),
        (error(422, "21211"), "not sent", "gateway-refused"),
        (reply(401), "not sent", "gateway-credentials"),
        (reply(402), "not sent", "gateway-payment"),
        (reply(429), "not sent", None),
        (reply(308, b"", "Location: http://127.0.0.1:1/"), "not sent", "gateway-moved"),
        (reply(302, b"", "Location: http://127.0.0.1:1/"), "ambiguous", "gateway-moved"),
        (reply(500), "ambiguous", None),
        (reply(503), "ambiguous", None),
        # No answer is no refusal
        (hang, "ambiguous", None),
        (hang_up, "ambiguous", None),
        (reset, "ambiguous", None),
        (drip(OK, every=0.1), "ambiguous", None),
        (say(b"220 mail.example.org ESMTP\r\n"), "ambiguous", None),
    ],
)  # fmt: skip
def test_what_each_answer_proves(deed: Deed, means: str, halt: str | None) -> None:
    with scripted_http(deed) as server:
        answer = ask(server.url, **patience(means))
        asked = len(server.requests)
    assert (verdict(answer), answer.halt, asked) == (means, halt, 1), answer


@pytest.mark.parametrize(
    ("only", "page", "means"),
    [
        ({"id_at": "id"}, b'{"id": "a-1"}', "taken"),
        ({"id_at": "id"}, b'{"id": null}', "ambiguous"),
        ({"id_at": "id"}, b"<html>Please sign in</html>", "ambiguous"),
        ({"id_at": "id"}, b"", "ambiguous"),
        ({"id_at": "id"}, b'{"error": "wrong password"}', "ambiguous"),
        ({"id_at": "id"}, b'"a-1"', "ambiguous"),
        ({"status_at": "ok", "accepted": ["true"]}, b'{"ok": true}', "taken"),
        # What stands nowhere is no word, whatever a program may call it
        ({"status_at": "ok", "accepted": ["none", "null"]}, b'{"ok": null}', "ambiguous"),
        ({"status_at": "ok", "accepted": ["none", "null"]}, b"<html>Please sign in</html>", "ambiguous"),
        ({"status_at": "ok", "accepted": ["none"], "rejected": ["none"]}, b"", "ambiguous"),
        ({"status_at": "ok", "accepted": ["{}"]}, b'{"ok": {}}', "ambiguous"),
    ],
)  # fmt: skip
def test_a_page_that_does_not_say_it_is_never_taken_for_a_yes(
    only: dict[str, Any], page: bytes, means: str
) -> None:
    """A login page, an empty body, an error inside a 200: whichever of the two places is set."""
    silent = {"id_at": "", "status_at": "", "accepted": [], "duplicate": [], "rejected": []}
    with scripted_http(reply(200, page)) as server:
        assert verdict(ask(server.url, **{**silent, "error_at": "", **only})) == means


def test_where_nothing_answers_nothing_was_sent() -> None:
    with scripted_http(hang) as server:
        url = server.url
    assert verdict(ask(url)) == "not sent"


def test_what_is_sent_is_the_table_with_its_places_filled_once() -> None:
    """A text that holds braces stays as it is, and nothing of it gets into a header."""
    text = 'Line one\n"{to}" {key} ŵ €'
    with scripted_http(says(id="a-1", state="QUEUED")) as server:
        ask(
            server.url, [Outgoing(2**53 + 1, "+447700900123", text)], gateway_class="I",
            headers={"Idempotency-Key": "{key}"}, token_header="X-Api-Key: {token}",
        )  # fmt: skip
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert json.loads(body) == {
        "messages": [{"destination": "447700900123", "content": text, "ref": "9007199254740993"}],
        "route": 3,
    }
    assert b"X-Api-Key: t\r\n" in head
    assert b"Idempotency-Key: k/0\r\n" in head
    assert b"Authorization" not in head


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("x" * 64, "x" * 64), (2**63 + 5, str(2**63 + 5)), ("007", "007"), (7, "7"), ("a\nb", "ab"),
        (1.5e300, ""),
    ],
)  # fmt: skip
def test_an_id_is_kept_as_it_was_given_and_never_guessed(given: object, kept: str) -> None:
    """64 characters, beyond 2^53, with zeros in front; what no JSON reader gives exactly is none."""
    with scripted_http(says(id=given, state="QUEUED")) as server:
        answer = ask(server.url)
    result = answer.results.get(7)
    assert (result.gateway_ref if isinstance(result, Taken) else "") == kept


def test_a_refusal_keeps_its_code_and_no_number() -> None:
    with scripted_http(error(400, "21211")) as server:
        result = ask(server.url).results[7]
    assert result == Turned("21211", "Number … is bad")


def test_a_refusal_that_quotes_the_text_keeps_its_code_alone() -> None:
    text = "Dear Siân, your smear test is due"
    page = json.dumps({"error": {"code": "21211", "text": f"Spam: {text.upper()}"}}).encode()
    with scripted_http(reply(400, page)) as server:
        answer = ask(server.url, [Outgoing(7, "+447700900123", text)])
    assert answer.results[7] == Turned("21211", "")


def test_one_request_a_message_and_after_a_refused_login_no_more() -> None:
    """The first goes alone, so that wrong credentials cost one request."""
    messages = [Outgoing(n, "+447700900123", "Hello") for n in range(1, 6)]
    with scripted_http(reply(401)) as server:
        answer = ask(server.url, messages)
        assert len(server.requests) == 1
    assert answer.not_sent == frozenset(range(1, 6))
    with scripted_http(says(id="a", state="QUEUED")) as server:
        answer = ask(server.url, messages)
        assert len(server.requests) == 5
    assert sorted(answer.results) == [1, 2, 3, 4, 5]


PAGE = reply(200, b"<html>Please sign in</html>")
YES = says(id="a", state="QUEUED")


@pytest.mark.parametrize(
    ("deeds", "promise", "requests"),
    [
        ([PAGE], "B", 1),
        ([hang_up], "B", 1),
        ([reply(500)], "B", 1),
        # One that is lost now and then ends nothing; the second in a row does
        ([YES, hang_up, YES], "B", 9),
        ([YES, hang_up, YES, reply(500), YES], "B", 9),
        ([YES, hang_up, YES, YES, PAGE], "B", 6),
        # What can be asked about again costs nobody their message
        ([PAGE], "R", 9),
    ],
)
def test_what_could_only_end_unknown_is_not_begun_for_ever(
    deeds: list[Deed], promise: str, requests: int
) -> None:
    messages = [Outgoing(n, "+447700900123", "Hello") for n in range(1, 10)]
    with scripted_http(*deeds) as server:
        answer = ask(server.url, messages, gateway_class=promise, connections=1)
        assert len(server.requests) == requests
    assert len(answer.not_sent) == 9 - requests
