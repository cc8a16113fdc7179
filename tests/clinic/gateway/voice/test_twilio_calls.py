"""ARC-8: Twilio Voice against a stand-in written from its documents, and against what servers do wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clinic.errors import SettingsWrong
from clinic.gateway.named import build
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Answer, Outgoing, Taken, Turned
from clinic.gateway.voice.outcomes import AGAIN, TABLE, ended, outcomes_table
from clinic.gateway.voice.spoken import count_charged
from clinic.gateway.voice.twilio import TwilioCalls
from clinic.gateway.voice.twiml import LONGEST, Speaker
from clinic.message.network_reasons import PERMANENT, REASONS
from clinic.settings import Settings
from tests.servers.providers.cloud import ACCOUNT, Twilio
from tests.servers.providers.twilio_says import OF_EVERY_KIND, error
from tests.servers.providers.verdicts import HELLO, built, patience, send, verdict
from tests.servers.scripted import Deed, reply, scripted_http
from tests.servers.stand_in import standing_in

DOCS = (Path(__file__).parents[4] / "docs" / "gateways.md").read_text(encoding="utf-8")
PUBLIC = "https://cohort.example.org"
MINE = {
    "account": ACCOUNT, "auth_token": "secret", "sender": "+441632960999", "callback_url": PUBLIC,
}  # fmt: skip
SPEAKER = Speaker("en-GB", "", ("To stop these calls, press 9.", "Stopped."))


def ask(port: int, messages: list[Outgoing] = HELLO, **section: Any) -> Answer:
    made = {**MINE, **section}
    return send(built("twilio_voice", "voice", url=f"http://127.0.0.1:{port}", **made), messages)


def said(document: str) -> list[tuple[str, str]]:
    """What a call says, in order, each with its language."""
    return [
        (one.get("language", ""), one.text or "")
        for one in ElementTree.fromstring(document).iter("Say")
    ]


def test_a_call_says_the_text_and_how_to_stop_and_carries_our_reference() -> None:
    """ARC-8: read twice, with the key that stops such calls after it; a machine is waited for."""
    twilio = Twilio()
    with standing_in(twilio.answer) as server:
        answer = ask(server.port, [Outgoing(7, "+441632960001", "Siân & <Dr> Rhys: 9.30")])
    assert isinstance(answer.results[7], Taken)
    (form,) = twilio.taken
    document = form.pop("Twiml")
    tells = f"{PUBLIC}/gateways/mine/receipts/7"
    assert form == {
        "From": "+441632960999", "To": "+441632960001", "Timeout": "30", "StatusCallback": tells,
        "StatusCallbackMethod": "POST", "MachineDetection": "DetectMessageEnd",
    }  # fmt: skip
    text = ("en-GB", "Siân & <Dr> Rhys: 9.30")
    stop = ("en-GB", "To stop these calls, press 9.")
    assert said(document) == [text, stop, text, stop]
    assert {one.get("action") for one in ElementTree.fromstring(document).iter("Gather")} == {tells}


@given(st.text(max_size=300))
def test_no_text_can_become_an_instruction(text: str) -> None:
    """Whatever a template or a name holds, it is spoken: the document has the same verbs."""
    document = SPEAKER.message(text, "https://x.example.org/?a=1&b=2")
    assert [one.tag for one in ElementTree.fromstring(document)] == ["Say", "Gather"] * 2


def test_a_text_as_long_as_may_be_fits_into_a_request() -> None:
    """COM-13: three minutes at most, and then it is read once."""
    long = "word " * 450
    assert count_charged("voice", [long]) == [3]
    document = SPEAKER.message(long, f"{PUBLIC}/gateways/a_name_of_that_length/receipts/{2**62}")
    assert len(document) <= LONGEST
    assert [text for _, text in said(document)].count(long) == 1


@pytest.mark.parametrize(
    ("deed", "means", "halt", "wait"),
    [
        *OF_EVERY_KIND,
        (error(400, 21215), "turned", None, None),
        (error(400, 21210), "not sent", "gateway-refused", None),
        (error(400, 21219), "not sent", "gateway-refused", None),
        (error(429, 10004), "not sent", None, 30),
        (reply(201, b'{"sid": "CA1", "status": "busy"}'), "turned", None, None),
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


def test_without_an_address_that_hears_a_9_nobody_is_called() -> None:
    with pytest.raises(SettingsWrong, match="receipts-url"):
        built("twilio_voice", "voice", **{**MINE, "callback_url": ""})


def test_a_voice_says_in_its_own_language_how_to_stop() -> None:
    """Our words are English and Welsh; in another language the practice writes them."""

    def section(**more: str) -> Settings:
        one = {"type": "twilio_voice", **MINE, **more}
        return Settings.model_validate({"gateways": {"calls": one}})

    assert "pwyswch 9" in section(language="cy-GB").gateways["calls"].stopping[0]  # type: ignore[union-attr]
    with pytest.raises(ValidationError, match="stop_says"):
        section(language="pl-PL")
    own = section(language="pl-PL", stop_says="Naciśnij 9.", stopped_says="Dobrze.")
    assert own.gateways["calls"].stopping == ("Naciśnij 9.", "Dobrze.")  # type: ignore[union-attr]


@pytest.mark.parametrize("trial", [False, True])
def test_a_look_tells_the_credit_and_an_account_on_trial(trial: bool) -> None:
    """A trial account says a sentence of its own before each call, which no answer shows."""
    with standing_in(Twilio(trial=trial).answer) as server:
        section = {"type": "twilio_voice", "url": f"http://127.0.0.1:{server.port}", **MINE}
        settings = Settings.model_validate({"gateways": {"calls": section}})
        gateway = build(settings.gateways["calls"], Opening(name="calls", channel="voice"))
        assert isinstance(gateway, TwilioCalls)
        seen = gateway.look()
        gateway.close()
    assert [one.good for one in seen] == [True, not trial]


def test_the_table_of_outcomes_is_the_one_in_the_docs() -> None:
    assert outcomes_table() in DOCS


def test_every_outcome_can_be_reached_and_its_reason_is_one_that_people_are_told_of() -> None:
    """ARC-8: what may be called again is what no person heard, and nothing that is permanent."""
    for one in TABLE:
        about = (one.answered or ("other",))[0]
        assert ended(one.status, about, about) is one
        assert (one.says == "undelivered") == bool(one.reason)
        assert not one.reason or one.reason in REASONS
    assert ended("transferred", "", "") is None
    assert not AGAIN & PERMANENT
