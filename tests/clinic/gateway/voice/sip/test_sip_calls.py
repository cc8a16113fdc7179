"""ARC-8: calls by a SIP trunk against the real sipp: what each call comes to, and who is never called again."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from clinic.gateway.protocol import Answer, Taken, Turned
from tests.clinic.gateway.voice.sip.helpers import Kept, gateway_at, messages, needs_sipp, send
from tests.servers.providers import sipp

pytestmark = needs_sipp
RINGS = sipp.answer("180 Ringing")
CHALLENGE = 'WWW-Authenticate: Digest realm="trunk", nonce="n1", algorithm=MD5, qop="auth"\n'
ASKS = sipp.refuse("401 Unauthorized", more=CHALLENGE)
AGAIN = '<recv request="INVITE"/>\n'
LOGIN = {"user": "hillview", "password": "our secret"}
DECLARED = {
    # What the trunk does, and whether who answers is listened to
    "busy": (sipp.refuse("486 Busy Here"), {}),
    "no such number": (RINGS + sipp.refuse("404 Not Found"), {}),
    "forbidden": (sipp.refuse("403 Forbidden"), {}),
    "no line": (sipp.answer("100 Trying") + sipp.refuse("503 Service Unavailable"), {}),
    "elsewhere": (sipp.refuse("302 Moved Temporarily"), {}),
    "nobody": (RINGS + '<recv request="CANCEL"/>\n' + sipp.wait(1), {}),
    "a person": (RINGS + sipp.wait(0.3) + sipp.pick_up() + sipp.play("word") + sipp.hung_up_on(), {}),
    "a machine": (RINGS + sipp.pick_up() + sipp.play("speech") + sipp.hung_up_on(), {}),
    "silence": (RINGS + sipp.pick_up() + sipp.hung_up_on(), {}),
    "cut short": (RINGS + sipp.pick_up() + sipp.play("word") + sipp.wait(1) + sipp.hang_up(), {}),
    "no sound": (RINGS + sipp.answer("200 OK") + sipp.ACK + sipp.hung_up_on(), {}),
    "nine by RTP": (
        RINGS + sipp.pick_up() + sipp.wait(3) + sipp.play("nine") + sipp.hung_up_on(),
        {"detect_machines": False},
    ),
    "nine by INFO": (
        RINGS + sipp.pick_up() + sipp.wait(3) + sipp.info("9") + sipp.hung_up_on(),
        {"detect_machines": False},
    ),
    "three": (
        RINGS + sipp.pick_up() + sipp.wait(3) + sipp.info("3") + sipp.hung_up_on(),
        {"detect_machines": False},
    ),
    "login": (ASKS + AGAIN + sipp.refuse("600 Busy Everywhere"), LOGIN),
    "no login": (ASKS + AGAIN + ASKS, {}),
    "login refused": (ASKS + AGAIN + ASKS, LOGIN),
    "nothing at all": (sipp.wait(60), {}),
}  # fmt: skip
ACCEPTED = ("accepted", None)


class Told(NamedTuple):
    """What came of a call."""

    answer: Answer
    kept: Kept
    invites: list[str]
    byes: int


def told_of(steps: str, section: dict[str, Any]) -> Told:
    kept = Kept()
    with sipp.answering(steps) as callee:
        gateway = gateway_at(callee.port, kept, **section)
        try:
            answer = send(gateway, messages())
        finally:
            gateway.close()
        return Told(answer, kept, callee.requests("INVITE"), len(callee.requests("BYE")))


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Told]]:
    """All of them at once: most of a call is waiting."""
    with ThreadPoolExecutor(len(DECLARED)) as pool:
        begun = {name: pool.submit(told_of, *how) for name, how in DECLARED.items()}
        yield {name: one.result() for name, one in begun.items()}


@pytest.mark.parametrize(
    ("name", "means", "receipt"),
    [
        ("busy", "busy", None),
        ("no such number", "taken", ("undelivered", "number_does_not_exist")),
        ("forbidden", "gateway-refused", None),
        ("no line", "wait 30", None),
        ("elsewhere", "call_failed", None),
        ("nobody", "taken", ("undelivered", "not_answered")),
        ("a person", "taken", ("delivered", None)),
        ("a machine", "taken", ("undelivered", "machine_answered")),
        ("silence", "taken", ACCEPTED),
        ("cut short", "taken", ACCEPTED),
        ("no sound", "taken", ACCEPTED),
        ("nine by RTP", "taken", ("delivered", None)),
        ("nine by INFO", "taken", ("delivered", None)),
        ("three", "taken", ("delivered", None)),
        ("login", "busy", None),
        ("no login", "gateway-credentials", None),
        ("login refused", "gateway-credentials", None),
        ("nothing at all", "ambiguous", None),
    ],
)
def test_what_a_call_comes_to(
    told: dict[str, Told], name: str, means: str, receipt: tuple[str, str | None] | None
) -> None:
    """ARC-8: a person who heard all of it has the message; what nobody knows is left as it is."""
    assert verdict(told[name].answer) == means, told[name].answer
    found = [(one.reference, one.outcome, one.reason) for one in told[name].kept.receipts]
    assert found == ([(71, *receipt)] if receipt else [])


def verdict(answer: Answer) -> str:
    result = answer.results.get(71)
    if isinstance(result, Taken):
        return "taken"
    if isinstance(result, Turned):
        return result.code
    if 71 not in answer.not_sent:
        return "ambiguous"
    return answer.halt or f"wait {answer.retry_after:.0f}"


def test_nine_stops_calls_to_that_number_and_no_other_key_does(told: dict[str, Told]) -> None:
    """ARC-8: an opt-out of calls, as RTP event (RFC 4733) and as SIP INFO."""
    for name, one in told.items():
        found = [(reply.channel, reply.sender, reply.text) for reply in one.kept.replies]
        wanted = [("voice", "+441632960001", "STOP")] if name.startswith("nine") else []
        assert found == wanted, name


def test_each_is_called_once_with_our_reference_and_both_codecs(told: dict[str, Told]) -> None:
    for name, one in told.items():
        invite = one.invites[0]
        calls = {text.partition("Call-ID:")[2].partition("\n")[0] for text in one.invites}
        assert len(calls) == 1, name  # UDP sends the same one again
        assert "X-Reference: 71" in invite
        assert "From: <sip:+441632960999@127.0.0.1" in invite
        assert "PCMU/8000" in invite
        assert "PCMA/8000" in invite
        assert "telephone-event/8000" in invite


def test_the_password_is_proven_and_never_sent(told: dict[str, Told]) -> None:
    """RFC 7616: by its digest, with the trunk's nonce and ours."""
    for name in ("login", "login refused"):
        asked = told[name].invites[1]
        assert "our secret" not in asked
        said = dict(re.findall(r'(\w+)="?([^",\s]+)"?', asked.partition("Digest ")[2]))
        own = _md5(f"hillview:trunk:{LOGIN['password']}"), _md5(f"INVITE:{said['uri']}")
        proof = f"{own[0]}:n1:{said['nc']}:{said['cnonce']}:auth:{own[1]}"
        assert (said["username"], said["response"]) == ("hillview", _md5(proof))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_who_is_called_hears_it() -> None:
    """The text is sent as sound, loud, at the pace of speech, and again."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(0.1)
        steps = RINGS + sipp.pick_up(ear.getsockname()[1]) + sipp.hung_up_on()
        with sipp.answering(steps) as callee:
            gateway = gateway_at(callee.port, detect_machines=False)
            send(gateway, messages(text="Your review is on Monday at half past nine."))
            with ThreadPoolExecutor(1) as pool:
                closing = pool.submit(gateway.close)
                loud = [_is_loud(packet) for packet in _heard(ear, closing.done)]
    bursts = sum(now and not before for before, now in zip([False, *loud], loud, strict=False))
    assert 150 < sum(loud) < len(loud) < 1_500
    assert bursts >= 4


def _heard(ear: socket.socket, over: Any) -> Iterator[bytes]:
    while not over():
        try:
            yield ear.recv(2_000)
        except TimeoutError:
            continue


def _is_loud(packet: bytes) -> bool:
    """PCMU: the smaller the last seven bits, the louder."""
    return any((byte & 0x7F) < 0x40 for byte in packet[12:])


def test_no_more_calls_at_once_than_lines() -> None:
    """The third waits until one of the two is over."""
    kept = Kept()
    steps = RINGS + sipp.pick_up() + sipp.wait(2) + sipp.hang_up()
    with sipp.answering(steps) as callee:
        gateway = gateway_at(callee.port, kept, most_calls=2)
        began = time.monotonic()
        answer = send(gateway, messages(3))
        took = time.monotonic() - began
        gateway.close()
    assert len(answer.results) == 3
    assert took > 2
    assert len(kept.receipts) == 3


def test_a_nine_is_kept_though_the_record_is_away_for_a_while() -> None:
    kept = Kept(away=2)
    steps = RINGS + sipp.pick_up() + sipp.wait(3) + sipp.info("9") + sipp.hung_up_on()
    with sipp.answering(steps) as callee:
        gateway = gateway_at(callee.port, kept, detect_machines=False)
        send(gateway, messages())
        gateway.close()
    assert [reply.text for reply in kept.replies] == ["STOP"]
    assert [one.outcome for one in kept.receipts] == ["delivered"]


def test_a_trunk_that_gives_no_sign_of_life_is_sent_no_call() -> None:
    """A dead trunk costs time, and makes nobody's message unknown."""
    with sipp.answering(sipp.wait(60), options="<nop/>\n") as callee:
        gateway = gateway_at(callee.port, timeout_seconds=1)
        answer = send(gateway, messages(2))
        seen = gateway.look()
        gateway.close()
        assert callee.requests("INVITE") == []
    assert answer.not_sent == {71, 72}
    assert "no sign of life" in answer.trouble
    assert seen[0].good is False


def test_a_look_says_that_it_answers_and_calls_nobody() -> None:
    with sipp.answering(sipp.wait(60)) as callee:
        gateway = gateway_at(callee.port)
        seen = gateway.look()
        gateway.close()
        assert callee.requests("INVITE") == []
    assert [one.good for one in seen] == [True, True]


CALLER = """
import sys
from tests.clinic.gateway.voice.sip.helpers import gateway_at, messages, send
print(send(gateway_at(int(sys.argv[1])), messages()).results, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("victim", ["worker", "agent"])
def test_killed_in_mid_call_it_hangs_up_and_calls_nobody_again(victim: str) -> None:
    """ARC-8: nobody is spoken to whose 9 would not be heard; what became of it stays unknown."""
    steps = RINGS + sipp.pick_up() + sipp.hung_up_on()
    with sipp.answering(steps) as callee:
        worker = subprocess.Popen(
            [sys.executable, "-c", CALLER, str(callee.port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            assert worker.stdout is not None
            assert b"Taken" in worker.stdout.readline()
            time.sleep(1)
            os.kill(worker.pid if victim == "worker" else _agent_of(worker.pid), signal.SIGKILL)
            until = time.monotonic() + (10 if victim == "worker" else 2)
            while time.monotonic() < until and not callee.requests("BYE"):
                time.sleep(0.1)
            assert len(callee.requests("INVITE")) == 1
            assert bool(callee.requests("BYE")) == (victim == "worker")
        finally:
            worker.kill()
            worker.communicate()


def test_a_call_whose_process_was_killed_stays_as_it_is_and_the_next_one_is_made() -> None:
    kept = Kept()
    with sipp.answering(RINGS + sipp.pick_up() + sipp.wait(3) + sipp.hang_up()) as callee:
        gateway = gateway_at(callee.port, kept, detect_machines=False)
        first = send(gateway, messages())
        os.kill(_agent_of(os.getpid()), signal.SIGKILL)
        time.sleep(0.5)
        assert kept.receipts == []
        second = send(gateway, messages())
        gateway.close()
    assert isinstance(first.results[71], Taken)
    assert isinstance(second.results[71], Taken)
    assert len(kept.receipts) == 1


def _agent_of(pid: int) -> int:
    """The process that calls, among the children of all our threads."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"voice.sip.agent" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    raise AssertionError("no process calls")
