"""AWS SNS against moto_server, which keeps what it is told, and against what servers do wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clinic.gateway.protocol import Answer, Outgoing, Taken
from tests.servers.providers.cloud import REGION, Sns, moto
from tests.servers.providers.verdicts import HELLO, built, send, verdict
from tests.servers.scripted import Deed, hang, reply, scripted_http

MINE = {
    "region": REGION,
    "access_key": "AKIAEXAMPLE",
    "secret_key": "secret",
    "sender": "Surgery",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Sns]:
    with moto() as sns:
        yield sns


def ask(url: str, messages: list[Outgoing] = HELLO, **section: Any) -> Answer:
    return send(built("sns", url=url, **{**MINE, "timeout_seconds": 10, **section}), messages)


def error(status: int, code: str, says: str = "") -> Deed:
    body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{says}</Message></Error>"
    return reply(status, (body + "<RequestId>r</RequestId></ErrorResponse>").encode())


def test_texts_are_published_once_each(server: Sns) -> None:
    """Its own book says what it took: ids, numbers and texts."""
    before = server.took().keys()
    messages = [Outgoing(n, f"+4477009001{n:02}", f"Siân, ŵ & <{n}>") for n in range(1, 6)]
    answer = ask(server.url, messages)
    book = {key: took for key, took in server.took().items() if key not in before}
    ids = {r.gateway_ref: n for n, r in answer.results.items() if isinstance(r, Taken)}
    assert sorted(book.values()) == sorted((m.to, m.body) for m in messages)
    assert {key: book[key] for key in ids} == {
        key: (messages[n - 1].to, messages[n - 1].body) for key, n in ids.items()
    }
    assert len(ids) == 5


def test_a_number_that_is_none_is_rejected_and_halts_nothing(server: Sns) -> None:
    before = server.took()
    answer = ask(
        server.url,
        [Outgoing(7, "NAA+15551234567", "Hello"), Outgoing(8, "+447700900123", "x" * 1601)],
    )
    assert (verdict(answer, 7), verdict(answer, 8), answer.halt) == ("turned", "turned", None)
    assert server.took() == before


@pytest.mark.parametrize(
    ("deed", "means", "halt", "wait"),
    [
        # One status, many meanings
        (error(400, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: not valid"), "turned",
         None, None),
        (error(400, "InvalidParameter", "Invalid parameter: SenderID"), "not sent", "gateway-refused", None),
        (error(400, "Throttling", "Rate exceeded"), "not sent", None, 2),
        (error(403, "ExpiredToken", "The security token included is expired"), "not sent",
         "gateway-credentials", None),
        (error(403, "SignatureDoesNotMatch", "Signature expired: 20260302 is now earlier than"), "not sent",
         "gateway-clock", None),
        (error(403, "RequestTimeTooSkewed"), "not sent", "gateway-clock", None),
        (error(403, "SignatureDoesNotMatch", "The request signature we calculated"), "not sent",
         "gateway-credentials", None),
        (error(500, "InternalFailure"), "ambiguous", None, None),
        (error(200, "InternalFailure"), "ambiguous", None, None),
        (reply(200, b"<PublishResponse><PublishResult><MessageId/></PublishResult></PublishResponse>"),
         "ambiguous", None, None),
        (reply(200, b"<PublishResponse><PublishResult><MessageId>a-1</MessageId></PublishResult>"
                    b"</PublishResponse>"), "taken", None, None),
        (reply(200, b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"), "ambiguous", None, None),
        (reply(307, b"", "Location: http://127.0.0.1:1/"), "not sent", "gateway-moved", None),
        (hang, "ambiguous", None, None),
    ],
)  # fmt: skip
def test_what_each_answer_proves(
    deed: Deed, means: str, halt: str | None, wait: float | None
) -> None:
    with scripted_http(deed) as scripted:
        answer = ask(scripted.url, timeout_seconds=0.4)
        assert len(scripted.requests) == 1
    assert (verdict(answer), answer.halt, answer.retry_after) == (means, halt, wait), answer


def test_the_secret_signs_and_never_leaves() -> None:
    ok = b"<PublishResponse><PublishResult><MessageId>a-1</MessageId></PublishResult></PublishResponse>"
    with scripted_http(reply(200, ok)) as scripted:
        ask(scripted.url, secret_key="hunter2hunter2", session_token="session")
        (request,) = scripted.requests
    assert b"hunter2" not in request
    assert b"Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/" in request
    assert b"X-Amz-Security-Token: session" in request
