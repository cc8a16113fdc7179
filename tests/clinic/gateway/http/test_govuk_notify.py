"""GOV.UK Notify against a stand-in written from its published documents, and against what servers do wrong."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from clinic.errors import SettingsWrong
from clinic.gateway.http.govuk_notify import GovukNotifyGateway
from clinic.gateway.protocol import Answer, Outgoing, Taken, Turned
from tests.fakes import FakeClock
from tests.servers.providers.notify import KEY, TEMPLATE, GovukNotify
from tests.servers.providers.verdicts import HELLO, built, patience, send, verdict
from tests.servers.scripted import Deed, hang, hang_up, reply, scripted_http
from tests.servers.stand_in import standing_in


def ask(port: int, messages: list[Outgoing] = HELLO, **section: Any) -> Answer:
    clock = section.pop("clock", None)
    channel = section.pop("channel", "sms")
    values = {
        "url": f"http://127.0.0.1:{port}",
        "api_key": KEY,
        "sms_template": TEMPLATE,
        **section,
    }
    return send(built("govuk_notify", channel, clock, **values), messages)


def error(status: int, kind: str, says: str = "") -> Deed:
    return reply(status, json.dumps({"errors": [{"error": kind, "message": says}]}).encode())


def test_a_text_goes_with_our_reference_through_the_template(clock: FakeClock) -> None:
    notify = GovukNotify(clock)
    with standing_in(notify.answer) as server:
        answer = ask(server.port, clock=clock)
    assert answer.results[7] == Taken("740e5834-3a29-46b4-9a6f-000000000001")
    assert answer.halt is None
    (taken,) = notify.taken
    assert (taken["reference"], taken["phone_number"]) == ("7", "+447700900123")
    assert taken["personalisation"] == {"body": "Sut mae, Siân?"}


def test_an_e_mail_goes_with_its_subject(clock: FakeClock) -> None:
    notify = GovukNotify(clock)
    letter = [Outgoing(8, "sian@example.org", "Line\n\nLine", "Your visit")]
    with standing_in(notify.answer) as server:
        ask(server.port, letter, clock=clock, channel="email", email_template=TEMPLATE)
        assert server.paths() == ["/v2/notifications/email"]
    (taken,) = notify.taken
    assert taken["personalisation"] == {"body": "Line\n\nLine", "subject": "Your visit"}


def test_a_template_that_adds_to_the_text_costs_one_message(clock: FakeClock) -> None:
    """What was previewed must be what is read: it has the first one, and nothing more goes."""
    notify = GovukNotify(clock, prefix="Surgery: ")
    messages = [Outgoing(n, "+447700900123", f"Text {n}") for n in range(1, 30)]
    with standing_in(notify.answer) as server:
        answer = ask(server.port, messages, clock=clock)
    assert answer.halt == "gateway-rewrites"
    assert [m["reference"] for m in notify.taken] == ["1"]
    assert isinstance(answer.results[1], Taken)
    assert answer.not_sent == frozenset(range(2, 30))


def test_the_end_of_the_days_messages_is_no_matter_of_seconds(clock: FakeClock) -> None:
    """429 for seconds and 429 until midnight: the first waits 5 seconds, the second an hour at a time."""
    notify = GovukNotify(clock, limit=2)
    messages = [Outgoing(n, "+447700900123", "Hello") for n in range(1, 6)]
    with standing_in(notify.answer) as server:
        answer = ask(server.port, messages, clock=clock, connections=1)
    assert sorted(answer.results) == [1, 2]
    assert (answer.retry_after, answer.halt) == (3600.0, None)
    assert "until midnight" in answer.trouble
    with scripted_http(error(429, "RateLimitError")) as scripted:
        assert ask(scripted.port).retry_after == 5.0


def test_a_token_is_made_again_before_it_ends_and_a_wrong_clock_is_told(clock: FakeClock) -> None:
    values = {"api_key": KEY, "sms_template": TEMPLATE}
    gateway = built("govuk_notify", "sms", clock, **values)
    assert isinstance(gateway, GovukNotifyGateway)
    first = gateway.token()
    clock.time += timedelta(seconds=9)
    assert gateway.token() == first
    clock.time += timedelta(seconds=2)
    assert gateway.token() != first
    gateway.close()
    with scripted_http(
        error(403, "AuthError", "Error: Your system clock must be accurate")
    ) as server:
        assert ask(server.port).halt == "gateway-clock"


@pytest.mark.parametrize(
    ("deed", "means", "halt"),
    [
        (error(400, "ValidationError", "phone_number Not enough digits"), "turned", None),
        (error(400, "ValidationError", "template_id is not a valid UUID"), "not sent", "gateway-refused"),
        (error(400, "BadRequestError", "Missing personalisation: body"), "not sent", "gateway-refused"),
        (error(400, "BadRequestError", "Can’t send to this recipient using a team-only API key"), "not sent",
         "gateway-credentials"),
        (error(400, "BadRequestError", "… when service is in trial mode – see"), "not sent", "gateway-refused"),
        (error(400, "BadRequestError", "Cannot send to international mobile numbers"), "turned", None),
        (error(403, "AuthError", "Invalid token: API key not found"), "not sent", "gateway-credentials"),
        (error(500, "Exception", "Internal server error"), "ambiguous", None),
        (reply(503), "ambiguous", None),
        (reply(201, b'{"id": "a", "reference": "8"}'), "ambiguous", None),
        (reply(201, b'{"id": "", "reference": "7"}'), "ambiguous", None),
        (reply(201, b'{"id": "a", "reference": null}'), "ambiguous", None),
        (reply(200, b'{"id": "a", "reference": "7"}'), "ambiguous", None),
        (reply(201, b"<html>"), "ambiguous", None),
        (reply(201, b"[]"), "ambiguous", None),
        (reply(201, b'{"id": "a", "reference": "7"}'), "taken", None),
        (hang, "ambiguous", None),
        (hang_up, "ambiguous", None),
    ],
)  # fmt: skip
def test_what_each_answer_proves(deed: Deed, means: str, halt: str | None) -> None:
    with scripted_http(deed) as server:
        answer = ask(server.port, **patience(means))
        assert len(server.requests) == 1
    assert (verdict(answer), answer.halt) == (means, halt), answer


def test_a_refused_number_keeps_the_reason_that_means_correct_it() -> None:
    """In our words: the provider's own may quote whatever it was given."""
    with scripted_http(error(400, "ValidationError", "phone_number Siân Jones is due")) as server:
        result = ask(server.port).results[7]
    assert result == Turned("invalid_number", "the number is none")


def test_without_a_template_for_its_channel_it_is_not_built() -> None:
    with pytest.raises(SettingsWrong, match="gateway-template"):
        built("govuk_notify", "email", api_key=KEY, sms_template=TEMPLATE)
