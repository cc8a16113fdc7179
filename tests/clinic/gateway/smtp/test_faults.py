"""A relay behind a way that cuts, garbles and is silent: nobody twice, nobody lost, each outcome clear."""

from __future__ import annotations

import contextlib
import email
import itertools
from collections.abc import Callable, Iterator

import pytest

from clinic.gateway.protocol import Answer, Outgoing, Taken
from clinic.gateway.smtp.named import NamedSmtp
from tests.clinic.gateway.smtp.test_named import gateway
from tests.servers.mail.postfix import can_run, running_postfix
from tests.servers.relay import running_relay
from tests.servers.smsc.fault_proxy import Fault, fault_proxy

# Its port, and what it has taken: message ids, once there are so many
Relay = tuple[int, Callable[[int], list[str]]]
_numbers = itertools.count(1)


def ids(texts: list[bytes]) -> list[str]:
    return [str(email.message_from_bytes(text)["Message-ID"]) for text in texts]


@contextlib.contextmanager
def _aiosmtpd() -> Iterator[Relay]:
    with running_relay() as relay:
        yield relay.port, lambda _: ids(relay.texts())


@contextlib.contextmanager
def _postfix() -> Iterator[Relay]:
    with running_postfix(["sian"]) as relay:
        yield relay.port, lambda count: ids(relay.delivered(count))


RELAYS = {"one by one": _aiosmtpd} | ({"pipelined": _postfix} if can_run() else {})
FAULTS = [
    *(Fault(cut_out=n) for n in range(0, 2_400, 150)),
    *(Fault(cut_in=n) for n in range(0, 800, 50)),
    *(Fault(garbage_in=n) for n in range(0, 800, 160)),
    Fault(silent_in=True),
    Fault(drip=7),
    Fault(delay=0.01),
]


@pytest.fixture(scope="module", params=RELAYS)
def relay(request: pytest.FixtureRequest) -> Iterator[Relay]:
    with RELAYS[request.param]() as running:
        yield running


def hand_over(own: NamedSmtp, messages: list[Outgoing]) -> Answer:
    only = frozenset(one.reference for one in messages)
    return own.send("k", messages, per_request=1, only=only)


def test_whatever_happens_on_the_way_nobody_gets_it_twice_and_nobody_is_lost(relay: Relay) -> None:
    """Three a call over a way that fails; what is proven not sent goes again over one that does not."""
    port, taken_by = relay
    told, doubtful = list[str](), set[str]()
    outcomes = set[str]()
    for fault in FAULTS:
        messages = [
            Outgoing(next(_numbers), "sian@example.org", "Sut mae\n" * 20, "Hello")
            for _ in range(3)
        ]
        with fault_proxy(port, fault) as proxy:
            own = gateway(proxy.port, timeout_seconds=0.5)
            answer = hand_over(own, messages)
            proxy.fault = Fault()
            again = [one for one in messages if one.reference in answer.not_sent]
            second = hand_over(own, again) if again else Answer()
            own.close()
        for one in messages:
            name = f"<{one.reference}.k@example.org>"
            assert not (one.reference in answer.not_sent and one.reference in answer.results)
            result = (answer.results | second.results).get(one.reference)
            outcomes.add(type(result).__name__ if result else "ambiguous")
            if isinstance(result, Taken):
                told.append(name)
            else:
                assert one.reference not in second.not_sent, fault
                doubtful.add(name)
    arrived = taken_by(len(told))
    assert sorted(one for one in arrived if one not in doubtful) == sorted(told)
    assert len(set(arrived)) == len(arrived)
    assert outcomes == {"Taken", "ambiguous"}
    assert len(doubtful) < len(told) / 3
