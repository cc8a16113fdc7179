"""Twilio against a stand-in written from its published documents, and against what servers do wrong."""

from __future__ import annotations

from typing import Any

import pytest

from clinic.errors import SettingsWrong
from clinic.gateway.named import build
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Answer, Outgoing, Taken, Turned
from clinic.settings import Settings
from tests.servers.providers.cloud import ACCOUNT, Twilio
from tests.servers.providers.twilio_says import OF_EVERY_KIND, error
from tests.servers.providers.verdicts import HELLO, built, patience, send, verdict
from tests.servers.scripted import Deed, reply, scripted_http
from tests.servers.stand_in import standing_in

MINE = {"account": ACCOUNT, "auth_token": "secret", "sender": "+447700900999"}


def ask(port: int, messages: list[Outgoing] = HELLO, **section: Any) -> Answer:
    return send(built("twilio", url=f"http://127.0.0.1:{port}", **{**MINE, **section}), messages)


def test_a_text_goes_with_our_reference_in_the_callbacks_address() -> None:
    twilio = Twilio()
    with standing_in(twilio.answer) as server:
        section = {"type": "twilio", "url": f"http://127.0.0.1:{server.port}", **MINE}
        settings = Settings.model_validate({"gateways": {"tw": section}})
        opening = Opening(name="tw", channel="sms", public_url="https://cohort.example.org")
        answer = send(build(settings.gateways["tw"], opening))
    assert isinstance(answer.results[7], Taken)
    (form,) = twilio.taken
    assert form == {
        "From": "+447700900999", "To": "+447700900123", "Body": "Sut mae, Siân?", "SmartEncoded": "false",
        "StatusCallback": "https://cohort.example.org/gateways/tw/receipts/7",
    }  # fmt: skip


def test_a_messaging_service_is_named_as_one_and_no_address_no_callback() -> None:
    twilio, service = Twilio(), "MG" + "0" * 32
    with standing_in(twilio.answer) as server:
        ask(server.port, sender=service)
    assert twilio.taken[0]["MessagingServiceSid"] == service
    assert not {"From", "StatusCallback"} & twilio.taken[0].keys()


def test_a_trial_account_that_adds_to_the_text_costs_one_message() -> None:
    twilio = Twilio(trial=True)
    messages = [Outgoing(n, "+447700900123", f"Text {n}") for n in range(1, 9)]
    with standing_in(twilio.answer) as server:
        answer = ask(server.port, messages)
    assert (answer.halt, len(twilio.taken)) == ("gateway-rewrites", 1)
    assert answer.not_sent == frozenset(range(2, 9))


@pytest.mark.parametrize(
    ("deed", "means", "halt", "wait"),
    [
        *OF_EVERY_KIND,
        (error(400, 21610), "turned", None, None),
        (error(400, 21606), "not sent", "gateway-refused", None),
        (error(400, 21608), "not sent", "gateway-refused", None),
        (error(400, 21611), "not sent", None, 60),
        (error(429, 63038), "not sent", None, 3600),
        (reply(201, b'{"sid": "SM1", "status": "failed", "error_code": 30005}'), "turned", None, None),
        (reply(201, b'{"sid": "SM1", "status": "failed", "error_code": "07700900123"}'), "turned", None, None),
        (reply(200, b'{"code": 21211, "message": "x"}'), "ambiguous", None, None),
    ],
)  # fmt: skip
def test_what_each_answer_proves(
    deed: Deed, means: str, halt: str | None, wait: float | None
) -> None:
    with scripted_http(deed) as server:
        answer = ask(server.port, **patience(means))
        assert len(server.requests) == 1
    assert (verdict(answer), answer.halt, answer.retry_after) == (means, halt, wait), answer
    result = answer.results.get(7)
    assert not (isinstance(result, Turned) and "7700900123" in result.code + result.says)


def test_a_test_number_that_answers_and_sends_nothing_is_no_sender() -> None:
    with pytest.raises(SettingsWrong, match="gateway-pretends"):
        built("twilio", **{**MINE, "sender": "+15005550006"})
