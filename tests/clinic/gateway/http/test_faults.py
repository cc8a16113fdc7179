"""
NEW-3, issue 18: whatever spoils the way to a provider by HTTP, nobody is texted twice or lost.

Each provider's own book is the judge: of AWS SNS moto's, of the others their stand-ins'.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from clinic.gateway.protocol import Outgoing
from tests.fakes import FakeClock
from tests.ports import free_port
from tests.servers.providers.cloud import ACCOUNT, REGION, Twilio, moto
from tests.servers.providers.notify import KEY, TEMPLATE, GovukNotify, NhsNotify
from tests.servers.providers.verdicts import built, verdict
from tests.servers.smsc.fault_proxy import Fault, fault_proxy
from tests.servers.stand_in import Asked, Said, standing_in

MESSAGES = [Outgoing(n, f"+4477009001{n:02}", f"Dear Siân, text {n}") for n in range(1, 17)]
BY_TEXT = {message.body: message.reference for message in MESSAGES}
FAULTS = [
    Fault(delay=0.02),
    Fault(drip=7),
    *(Fault(cut_out=n) for n in (0, 20, 200, 500)),
    *(Fault(cut_in=n) for n in (0, 10, 80, 200)),
    *(Fault(garbage_in=n) for n in (0, 20, 120)),
    Fault(silent_in=True),
]
Book = Callable[[], Counter[int]]


class Provider(NamedTuple):
    """A gateway's type and section, and where its provider is, with what it took: by reference, how often."""

    kind: str
    section: dict[str, Any]
    running: Callable[[], contextlib.AbstractContextManager[tuple[int, Book]]]


@contextlib.contextmanager
def twilio() -> Iterator[tuple[int, Book]]:
    own = Twilio()
    with standing_in(own.answer) as server:
        yield server.port, lambda: Counter(BY_TEXT[form["Body"]] for form in own.taken)


@contextlib.contextmanager
def govuk() -> Iterator[tuple[int, Book]]:
    own = GovukNotify(FakeClock())
    with standing_in(own.answer) as server:
        yield server.port, lambda: Counter(int(body["reference"]) for body in own.taken)


@contextlib.contextmanager
def nhs() -> Iterator[tuple[int, Book]]:
    own = NhsNotify()
    with standing_in(own.answer) as server:
        yield server.port, lambda: Counter({int(n): count for n, count in own.told.items()})


@contextlib.contextmanager
def texts() -> Iterator[tuple[int, Book]]:
    taken: list[int] = []

    def answer(asked: Asked) -> Said:
        taken.append(int(json.loads(asked.body)["ref"]))
        return Said({"id": f"a-{len(taken)}"}, 201)

    with standing_in(answer) as server:
        yield server.port, lambda: Counter(taken)


@contextlib.contextmanager
def sns() -> Iterator[tuple[int, Book]]:
    with moto() as server:
        before = server.took().keys()
        yield (
            server.port,
            lambda: Counter(
                BY_TEXT[text] for key, (_, text) in server.took().items() if key not in before
            ),
        )


PROVIDERS = [
    Provider("twilio", {"account": ACCOUNT, "auth_token": "secret", "sender": "+447700900999"}, twilio),
    Provider("govuk_notify", {"api_key": KEY, "sms_template": TEMPLATE}, govuk),
    Provider("nhs_notify", {"per_batch": 4}, nhs),
    Provider(
        "json",
        {"gateway_class": "B", "id_at": "id", "body": {"to": "{to}", "t": "{body}", "ref": "{reference}"}},
        texts,
    ),
    Provider("sns", {"region": REGION, "access_key": "AKIA", "secret_key": "secret"}, sns),
]  # fmt: skip


def judge(book: Counter[int], said: dict[int, str]) -> None:
    """What we say of each message against what the provider has."""
    assert max(book.values(), default=0) <= 1  # nobody twice
    for reference, fate in said.items():
        if fate == "taken":
            assert book[reference] == 1, reference  # nobody lost that counts as sent
        if fate == "not sent":
            assert book[reference] == 0, reference  # nobody sent again who has it


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.kind)
def test_a_spoilt_way_and_then_a_good_one_reaches_everybody_once(
    provider: Provider, fault: Fault
) -> None:
    """What is proven not sent goes again, and by class I what is ambiguous: the same bytes, the same key."""
    said = {message.reference: "not sent" for message in MESSAGES}
    with provider.running() as (port, book), fault_proxy(port, fault) as proxy:
        section = {**provider.section, "connections": 4, "timeout_seconds": 0.5}
        gateway = built(provider.kind, url=f"http://127.0.0.1:{proxy.port}", **section)
        again = {"not sent", "ambiguous"} if gateway.gateway_class == "I" else {"not sent"}
        try:
            for _ in range(4):
                open_now = frozenset(n for n, fate in said.items() if fate in again)
                if not open_now:
                    break
                answer = gateway.send("k", MESSAGES, per_request=gateway.per_request, only=open_now)
                said |= {n: verdict(answer, n) for n in open_now}
                assert answer.halt is None
                judge(book(), said)
                proxy.fault = Fault()
        finally:
            gateway.close()
        assert set(said.values()) <= {"taken", "ambiguous"}
        # One a connection, and the one that went alone
        assert list(said.values()).count("ambiguous") <= 5 * gateway.per_request
        if gateway.gateway_class == "I":
            assert set(said.values()) == {"taken"}


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.kind)
def test_where_nobody_listens_nothing_was_sent(provider: Provider) -> None:
    gateway = built(provider.kind, url=f"http://127.0.0.1:{free_port()}", **provider.section)
    only = frozenset(message.reference for message in MESSAGES)
    try:
        answer = gateway.send("k", MESSAGES, per_request=gateway.per_request, only=only)
    finally:
        gateway.close()
    assert (answer.not_sent, answer.halt) == (only, None)
