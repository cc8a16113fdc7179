"""ARC-8: the parts of a call by SIP: statuses, who answers, speech, signs of life, what the settings refuse."""

from __future__ import annotations

import asyncio
import io
import shutil
import socket
import ssl
import struct
import threading
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from clinic.errors import SettingsWrong
from clinic.gateway.named import build
from clinic.gateway.opening import Opening
from clinic.gateway.voice.outcomes import AGAIN
from clinic.gateway.voice.sip.ask import Where, ask, says_why
from clinic.gateway.voice.sip.ear import Ear
from clinic.gateway.voice.sip.process import AgentProcess
from clinic.gateway.voice.sip.speech import Unspoken, read_wav, speak
from clinic.gateway.voice.sip.statuses import TABLE, answer_of, outcome_of, statuses_table
from clinic.gateway.voice.sip.telling import outcome_of_end
from clinic.message.network_reasons import PERMANENT, REASONS
from clinic.settings import Settings
from tests.clinic.gateway.voice.sip.helpers import OWN, gateway_at, messages, send
from tests.servers.certificates import server_context

DOCS = (Path(__file__).parents[5] / "docs" / "gateways.md").read_text(encoding="utf-8")
needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None,
    reason="NOT TESTED: calls as sound. espeak-ng is not installed: apt-get install espeak-ng",
)


def test_the_table_of_statuses_is_the_one_in_the_docs() -> None:
    assert statuses_table() in DOCS


def test_each_status_has_an_outcome_that_people_are_told_of() -> None:
    """ARC-8: only a number that is none is permanent; every other may be called again."""
    for one in TABLE:
        for code in one.codes or (400, 302, 699):
            assert answer_of(code) is one
            found = outcome_of(code)
            assert found.says == "undelivered"
            assert found.reason in REASONS
            assert (found.reason in PERMANENT) == (found.reason not in AGAIN)


@pytest.mark.parametrize(
    ("end", "says", "reason"),
    [
        ({}, "undelivered", "not_answered"),
        ({"status": 486}, "undelivered", "busy"),
        ({"status": 503}, "undelivered", "call_failed"),
        ({"answered": True, "who": "human", "heard": True}, "delivered", ""),
        ({"answered": True, "who": "human"}, "accepted", ""),
        ({"answered": True, "heard": True}, "accepted", ""),
        ({"answered": True, "who": "machine", "heard": True}, "undelivered", "machine_answered"),
    ],
)
def test_what_a_call_that_rang_comes_to(end: Mapping[str, Any], says: str, reason: str) -> None:
    found = outcome_of_end({"answered": False, "status": 0, "who": "", "heard": False, **end})
    assert (found.says, found.reason) == (says, reason)


def greeting(*spans: tuple[float, bool]) -> tuple[str, float]:
    """Who answers with these spans of sound and silence, and after how long we speak."""
    ear, now = Ear(), 0.0
    for seconds, loud in (*spans, (60.0, False)):
        for _ in range(round(seconds / 0.05)):
            now += 0.05
            if ear.listen(struct.pack("<400h", *[3_000 if loud else 30] * 400), now):
                return ear.who, now
    raise AssertionError("it never speaks")


@pytest.mark.parametrize(
    ("spans", "who", "after"),
    [
        ([], "", 2.5),
        ([(0.5, False), (0.4, True)], "human", 1.7),
        ([(0.3, True), (0.4, False), (0.5, True)], "human", 2.0),
        ([(1.0, False), (5.0, True)], "machine", 7.5),
        ([(2.0, True), (1.0, False), (2.0, True)], "machine", 6.5),
        ([(60.0, True)], "machine", 30.0),
        ([(0.1, True), (0.7, False)] * 12, "machine", 10.4),
    ],
)
def test_a_word_and_a_silence_is_a_person_and_a_long_speech_a_machine(
    spans: list[tuple[float, bool]], who: str, after: float
) -> None:
    """ARC-8: whoever says nothing at all is unknown; a machine is not spoken to before its tone."""
    found, spoke = greeting(*spans)
    assert found == who
    assert spoke == pytest.approx(after, abs=0.2)


def wav(samples: np.ndarray[Any, Any], rate: int, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setparams((channels, 2, rate, 0, "NONE", ""))
        sound.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100])
def test_any_recording_becomes_what_a_telephone_carries(rate: int) -> None:
    """A tone keeps its height and loudness; one that a telephone cannot carry is not heard as another."""
    at = np.arange(rate) / rate
    kept = np.frombuffer(read_wav(wav(8_000 * np.sin(2 * np.pi * 440 * at), rate)), "<i2")
    assert len(kept) == 8_000
    assert np.argmax(np.abs(np.fft.rfft(kept))) == 440
    assert 7_500 < np.abs(kept).max() < 8_500
    if rate > 16_000:
        high = np.frombuffer(read_wav(wav(8_000 * np.sin(2 * np.pi * 6_000 * at), rate)), "<i2")
        assert np.abs(high[100:-100]).max() < 100


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all", wav(np.zeros(0), 8_000)])
def test_what_is_no_recording_is_said(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(Unspoken):
        read_wav(content)
    path = tmp_path / "opening.wav"
    path.write_bytes(content)
    with pytest.raises(SettingsWrong, match="gateway-prompt"):
        gateway_at(5060, prompt_file=str(path))


@needs_espeak
def test_a_text_is_spoken_in_its_language_or_it_is_said_why_not() -> None:
    sound = np.frombuffer(speak("Siân, dewch ddydd Llun.", "cy-GB"), "<i2")
    assert 8_000 < len(sound) < 40_000
    assert np.abs(sound).max() > 5_000
    with pytest.raises(Unspoken, match="no voice for qq-QQ"):
        speak("Hello", "qq-QQ")
    with pytest.raises(Unspoken, match="did not run"):
        speak("Hello", "en-GB", program="espeak-ng-is-not-here")


@needs_espeak
def test_a_look_says_what_is_missing_on_either_side() -> None:
    """A port where nobody listens, and a language that nothing speaks."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        gateway = gateway_at(nobody.getsockname()[1], language="qq-QQ", timeout_seconds=1)
        seen = gateway.look()
        answer = send(gateway, messages())
        gateway.close()
    assert [one.good for one in seen] == [False, False]
    assert "cannot be reached" in seen[0].says
    assert "no voice for qq-QQ" in seen[1].says
    assert answer.not_sent == {71}


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"host": "sip.example.org"}, "in clear"),
        ({"host": "192.0.2.1", "transport": "tls"}, "by its name"),
        ({"user": "trunk"}, "user and password"),
        ({"user": "trunk", "password": 'a"b'}, "quotation mark"),
        ({"language": "pl-PL", "stop_says": ""}, "stop_says"),
        ({"sender": "07700900123"}, "sender"),
    ],
)
def test_what_cannot_work_is_refused_at_once(section: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Settings.model_validate({"gateways": {"calls": {**OWN, **section}}})


def test_a_lease_that_is_too_short_for_a_call_is_refused() -> None:
    """A batch is never taken over from whoever still waits for it to ring."""
    section = Settings.model_validate({"gateways": {"calls": OWN}}).gateways["calls"]
    with pytest.raises(SettingsWrong, match="gateway-lease"):
        build(section, Opening(name="calls", channel="voice", call_seconds=20))


class Trunk:
    """Takes connections at loopback and answers the first bytes of each; `came`: what those were."""

    def __init__(self, answer: bytes, trust: ssl.SSLContext | None = None) -> None:
        self.came: list[bytes] = []
        self._answer = answer
        self._trust = trust
        self._listens = socket.create_server(("127.0.0.1", 0))
        self.port = self._listens.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            link, _ = self._listens.accept()
            with link:
                link.settimeout(5)
                try:
                    safe = self._trust.wrap_socket(link, server_side=True) if self._trust else link
                    with safe:
                        said = safe.recv(4_000)
                        if said == b"end":
                            return
                        self.came += [said] if said else []
                        safe.sendall(self._answer)
                except OSError:
                    continue

    def close(self) -> None:
        self._trust = None
        with socket.create_connection(("127.0.0.1", self.port)) as link:
            link.sendall(b"end")
        self._thread.join()
        self._listens.close()


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"SIP/2.0 200 OK\r\n\r\n", 200),
        (b"SIP/2.0 405 Method Not Allowed\r\n\r\n", 405),
        (b"HTTP/1.1 200 OK\r\n\r\n", "no SIP"),
        (b"", "no SIP"),
        (b"x" * 100_000, "no SIP"),
    ],
)
def test_any_answer_in_sip_is_a_sign_of_life(answer: bytes, found: int | str) -> None:
    trunk = Trunk(answer)
    try:
        where = Where("127.0.0.1", trunk.port, "tcp", "+441632960999")
        got: int | str = asyncio.run(ask(where, 5))
    except ValueError as error:
        got = str(error)
    finally:
        trunk.close()
    assert got == found
    assert trunk.came[0].startswith(b"OPTIONS sip:127.0.0.1:")


@pytest.mark.parametrize("signer", ["right", "other", "other name"])
def test_nothing_is_said_to_a_trunk_that_its_certificate_does_not_prove(
    signer: str, tmp_path: Path
) -> None:
    """Neither OPTIONS nor a call: no number leaves, and it is proven that none did."""
    host = "other.example.org" if signer == "other name" else "localhost"
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
    serves, trusts = server_context(theirs, host=host)
    if signer == "other":
        _, trusts = server_context(ours)
    trusted = (ours if signer == "other" else theirs) / "server.pem"
    trunk = Trunk(b"SIP/2.0 486 Busy Here\r\n\r\n", serves)
    try:
        where = Where("localhost", trunk.port, "tls", "+441632960999", trusts)
        if signer == "right":
            assert asyncio.run(ask(where, 5)) == 486
        else:
            with pytest.raises(ssl.SSLError) as refused:
                asyncio.run(ask(where, 5))
            assert "certificate" in says_why(refused.value)
        trunk.came.clear()
        end = asyncio.run(_call(trunk.port, str(trusted)))
    finally:
        trunk.close()
    if signer == "right":
        assert b"INVITE sip:+441632960001@localhost" in trunk.came[0]
        assert b"RTP/SAVP" in trunk.came[0]  # the sound is encrypted, too
    else:
        assert trunk.came == []
        assert end["errno"] == 71


async def _call(port: int, authority: str) -> Mapping[str, Any]:
    process = AgentProcess({
        "host": "localhost", "port": port, "transport": "tls", "domain": "", "sender": "+441632960999",
        "user": "", "password": "", "authority_file": authority, "most_calls": 1, "ring_seconds": 1,
        "detect_machines": False, "sounds": ["", "", ""],
    })  # fmt: skip
    try:
        held = await process.call("+441632960001", 7, b"")
        async with asyncio.timeout(5):
            return await held.begun
    except TimeoutError:
        return {"errno": 0}
    finally:
        await asyncio.to_thread(process.close)
