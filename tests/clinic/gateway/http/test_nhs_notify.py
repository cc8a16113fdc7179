"""NHS Notify against a stand-in written from its published description, and against what servers do wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from clinic.errors import SettingsWrong
from clinic.gateway.protocol import Answer, Gateway, Outgoing, Taken, Turned
from tests.fakes import FakeClock
from tests.servers.providers.notify import NhsNotify
from tests.servers.providers.verdicts import built, patience, send, verdict
from tests.servers.scripted import Deed, hang, reply, scripted_http
from tests.servers.stand_in import standing_in

PEOPLE = [
    Outgoing(n, f"+4477009001{n:02}", f"Text {n}", nhs_number="9990548609") for n in range(1, 8)
]
BAD = Outgoing(9, "+447700900999", "Text", nhs_number="9990548609")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path: Path = tmp_path_factory.mktemp("key") / "private.pem"
    path.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    return private.public_key(), str(path)


def gateway(port: int, clock: FakeClock | None = None, **section: Any) -> Gateway:
    return built("nhs_notify", "sms", clock, url=f"http://127.0.0.1:{port}/comms", **section)


def call(way: Gateway, key: str, messages: list[Outgoing], only: set[int] | None = None) -> Answer:
    wanted = frozenset(only or {m.reference for m in messages})
    return way.send(key, messages, per_request=way.per_request, only=wanted)


def error(status: int, code: str, pointer: str = "", *headers: str) -> Deed:
    one = {"code": code, "title": "Invalid", "source": {"pointer": pointer}}
    return reply(status, json.dumps({"errors": [one]}).encode(), *headers)


def test_a_batch_goes_once_whatever_becomes_of_its_answer() -> None:
    """The same batch again is refused as a duplicate: taken, and nobody has it twice."""
    notify = NhsNotify()
    with standing_in(notify.answer) as server:
        way = gateway(server.port, per_batch=3)
        assert (way.gateway_class, way.per_request) == ("I", 3)
        first = call(way, "k", PEOPLE)
        again = call(way, "k", PEOPLE, {2, 7})
        way.close()
    assert sorted(first.results) == sorted(m.reference for m in PEOPLE)
    assert [type(again.results[n]) for n in (2, 7)] == [Taken, Taken]
    assert set(notify.told.values()) == {1}
    assert set(notify.numbers) == {"9990548609"}


def test_the_same_message_in_another_batch_is_sent_again() -> None:
    """Why a batch is class I and no R: the batch's key is known there, and not the message's reference."""
    notify = NhsNotify()
    with standing_in(notify.answer) as server:
        way = gateway(server.port)
        call(way, "one", PEOPLE)
        call(way, "two", PEOPLE[:1])
        way.close()
        alone = gateway(server.port, per_batch=1)
        assert alone.gateway_class == "R"
        call(alone, "three", [PEOPLE[3]])
        answer = call(alone, "four", [PEOPLE[3]])
        alone.close()
    assert notify.told["1"] == 2
    assert isinstance(answer.results[4], Taken)
    assert notify.told["4"] == 2  # in its batch, and once by itself


def test_one_bad_row_refuses_its_batch_and_is_the_only_one_rejected() -> None:
    notify = NhsNotify()
    with standing_in(notify.answer) as server:
        answer = send(gateway(server.port), [*PEOPLE[:2], BAD])
    assert isinstance(answer.results[9], Turned)
    assert answer.not_sent == {1, 2}
    assert answer.halt is None
    assert not notify.told


@pytest.mark.parametrize(
    ("deed", "means", "halt", "wait"),
    [
        (error(422, "CM_DUPLICATE_REQUEST"), "taken", None, None),
        (error(422, "CM_SOMETHING"), "not sent", "gateway-refused", None),
        (reply(422), "not sent", "gateway-refused", None),
        (error(425, "CM_RETRY_TOO_EARLY", "", "Retry-After: 300"), "ambiguous", None, 300),
        (error(429, "CM_QUOTA", "", "Retry-After: 9"), "not sent", None, 9),
        (error(400, "CM_CANNOT_SET_CONTACT_DETAILS", "/data/attributes/messages/0/recipient/contactDetails"),
         "not sent", "gateway-refused", None),
        (error(400, "CM_INVALID_VALUE", "/data/attributes/routingPlanId"), "not sent", "gateway-refused", None),
        (error(400, "CM_INVALID_NHS_NUMBER", "/data/attributes/messages/0/recipient/nhsNumber"), "turned", None,
         None),
        # A row that is none of ours says nothing of ours
        (error(400, "CM_INVALID_NHS_NUMBER", "/data/attributes/messages/7/recipient/nhsNumber"), "not sent",
         "gateway-refused", None),
        (error(404, "CM_NO_SUCH_ROUTING_PLAN"), "not sent", "gateway-refused", None),
        (error(401, "CM_DENIED"), "not sent", "gateway-credentials", None),
        (error(504, "CM_TIMEOUT"), "ambiguous", None, None),
        (reply(201, b'{"data": {"id": "2Zlj", "attributes": {"messageBatchReference": "another"}}}'),
         "ambiguous", None, None),
        (reply(201, b"{}"), "ambiguous", None, None),
        (reply(201, b'{"data": []}'), "ambiguous", None, None),
        (hang, "ambiguous", None, None),
    ],
)  # fmt: skip
def test_what_each_answer_proves(
    deed: Deed, means: str, halt: str | None, wait: float | None
) -> None:
    with scripted_http(deed) as server:
        answer = send(gateway(server.port, **patience(means)), PEOPLE[:1])
        assert len(server.requests) == 1
    assert (verdict(answer, 1), answer.halt, answer.retry_after) == (means, halt, wait), answer


def test_an_access_token_that_runs_out_in_mid_run_costs_no_halt(key: tuple[Any, str]) -> None:
    """What was refused for it was not sent, and goes with the next token; one that was never good halts."""
    public, path = key
    notify, clock = NhsNotify(public), FakeClock()
    login = {"api_key": "app", "key_file": path, "key_id": "kid-1"}
    with standing_in(notify.answer) as server:
        way = gateway(server.port, clock, per_batch=2, connections=1, **login)
        assert len(call(way, "a", PEOPLE[:2]).results) == 2
        notify.alive = set()  # taken back over there
        refused = call(way, "b", PEOPLE[2:])
        assert refused.halt is None
        assert refused.not_sent == {m.reference for m in PEOPLE[2:]}
        assert len(call(way, "c", PEOPLE[2:]).results) == 5
        assert notify.issued == 2
        clock.sleep(599)  # its own end
        assert len(call(way, "d", [BAD, *PEOPLE[:1]]).results) == 1
        assert notify.issued == 3
        way.close()
    assert set(notify.told.values()) == {1}


def test_a_key_that_is_not_known_there_halts_with_nothing_sent(key: tuple[Any, str]) -> None:
    notify = NhsNotify(rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key())
    login = {"api_key": "app", "key_file": key[1], "key_id": "kid-1"}
    with standing_in(notify.answer) as server:
        answer = send(gateway(server.port, **login), PEOPLE)
    assert answer.halt == "gateway-credentials"
    assert len(answer.not_sent) == len(PEOPLE)
    assert not notify.told


def test_a_key_that_is_none_is_refused_before_anything(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("hunter2")
    with pytest.raises(SettingsWrong, match="gateway-key") as refused:
        gateway(9, api_key="app", key_file=str(tmp_path / "key.pem"), key_id="k")
    assert "hunter2" not in refused.value.says


@pytest.mark.parametrize(
    ("deed", "halt", "says"),
    [
        (reply(404), "gateway-refused", "gateways.mine.token_url"),
        (reply(302, b"", "Location: http://127.0.0.1:1/"), "gateway-refused", "gateways.mine.token_url"),
        (reply(200, b"<html>Please sign in</html>"), "gateway-refused", "gateways.mine.token_url"),
        (reply(200, b'{"access_token": null}'), "gateway-refused", "gateways.mine.token_url"),
        (reply(401), "gateway-credentials", "gateways.mine.api_key"),
        (reply(503), None, "answers 503"),
        (hang, None, "gateways.mine.token_url"),
    ],
)  # fmt: skip
def test_without_an_access_token_the_setting_that_is_wrong_is_named(
    key: tuple[Any, str], deed: Deed, halt: str | None, says: str
) -> None:
    own = {"api_key": "app", "key_file": key[1], "key_id": "kid-1"}
    own |= patience("ambiguous") if deed is hang else {}
    with scripted_http(deed) as server:
        answer = send(gateway(9, token_url=f"{server.url}/token", **own), PEOPLE)
    assert (answer.halt, says in answer.trouble) == (halt, True), answer.trouble
    assert len(answer.not_sent) == len(PEOPLE)


def test_a_wrong_address_of_tokens_is_called_by_its_own_name(key: tuple[Any, str]) -> None:
    login = {"api_key": "app", "key_file": key[1], "key_id": "kid-1"}
    with pytest.raises(SettingsWrong, match=r"gateways\.mine\.token_url is http://"):
        gateway(9, token_url="http://elsewhere.example/token", **login)
