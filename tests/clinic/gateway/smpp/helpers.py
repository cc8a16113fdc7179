"""What the tests of SMPP share: a gateway that is set for an SMSC of the tests, and a keeper that remembers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Answer, Outgoing
from clinic.gateway.received import Complaint, Inbound, Receipt, Unread
from clinic.gateway.smpp.sms import SmppSms
from clinic.settings.gateways.smpp import SmppGateway
from tests.servers.smsc import PASSWORD

ANSWERED: Final = 60.0  # seconds in which whoever answers at all has answered, on whatever machine
SILENCE: Final = 2.0  # after so many an answer does not come: for an SMSC that is silent as planned


class Kept:
    """A keeper that remembers; `away`: it keeps nothing, as when the database is away."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.replies: list[Inbound] = []
        self.unread: list[Unread] = []
        self.complaints: list[Complaint] = []
        self.away = False

    def _keep(self, where: list[Any], items: Sequence[object]) -> None:
        if self.away:
            raise OSError
        where.extend(items)

    def keep_receipts(self, receipts: list[Receipt]) -> None:
        self._keep(self.receipts, receipts)

    def keep_replies(self, replies: list[Inbound]) -> None:
        self._keep(self.replies, replies)

    def keep_complaints(self, complaints: list[Complaint]) -> None:
        self._keep(self.complaints, complaints)

    def keep_unread(self, entries: list[Unread]) -> None:
        self._keep(self.unread, entries)

    def unsubscribe(self, reference: int) -> None:
        raise AssertionError(reference)


def section(port: int, **given: Any) -> SmppGateway:
    """A section of the settings for an SMSC on loopback."""
    values = {
        "type": "smpp", "host": "127.0.0.1", "port": port, "tls": False,
        "system_id": "practice", "password": PASSWORD,
        "sender": "Practice", "timeout_seconds": ANSWERED, **given,
    }  # fmt: skip
    return SmppGateway.model_validate(values)


@contextlib.contextmanager
def gateway_at(
    port: int,
    *,
    keeper: Kept | None = None,
    begin_within: float = ANSWERED,
    trust: Any = None,
    **given: Any,
) -> Iterator[SmppSms]:
    """A gateway for the block."""
    own = section(port, **given)
    call = begin_within + 3 * own.timeout_seconds
    made = SmppSms(
        own, Opening(name="smpp", channel="sms", keeper=keeper, call_seconds=call, trust=trust)
    )
    try:
        yield made
    finally:
        made.close()


def texts(count: int, body: str = "Hello", *, first: int = 1) -> list[Outgoing]:
    """So many messages, each to another number."""
    return [Outgoing(n, f"+4477009{n:05d}", body) for n in range(first, first + count)]


def send(gateway: SmppSms, messages: Sequence[Outgoing]) -> Answer:
    """Send them all, as the ledger does."""
    return gateway.send(
        "key", messages, per_request=1, only=frozenset(m.reference for m in messages)
    )


def wait_until(true: Callable[[], bool], seconds: float = ANSWERED) -> None:
    """Until it is so."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def fates(answer: Answer, messages: Sequence[Outgoing]) -> list[str]:
    """Of each message: taken, a code, not_sent, or unknown."""
    found = []
    for message in messages:
        one = answer.results.get(message.reference)
        if one is not None:
            found.append(getattr(one, "code", "taken"))
        else:
            found.append("not_sent" if message.reference in answer.not_sent else "unknown")
    return found
