"""A gateway of type sip over a sipp, and what it tells."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from clinic.gateway.named import build
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Answer, Outgoing
from clinic.gateway.received import Complaint, Inbound, Receipt, Unread
from clinic.gateway.voice.sip.calls import SipCalls
from clinic.settings import Settings
from tests.servers.providers import sipp

NUMBER = "+441632960001"
# Short, so that a call is
OWN = {
    "type": "sip", "host": "127.0.0.1", "transport": "udp", "sender": "+441632960999",
    "stop_says": "Nine stops.", "stopped_says": "Bye.", "ring_seconds": 10,
}  # fmt: skip
needs_sipp = pytest.mark.skipif(
    not sipp.can_run() or shutil.which("espeak-ng") is None, reason=sipp.WHY_NOT
)


class Kept:
    """A keeper in memory; `away`: how often the record is not there first."""

    def __init__(self, away: int = 0) -> None:
        self.receipts: list[Receipt] = []
        self.replies: list[Inbound] = []
        self._away = away

    def _there(self) -> None:
        if self._away:
            self._away -= 1
            raise OSError("away")

    def keep_receipts(self, receipts: list[Receipt]) -> None:
        self._there()
        self.receipts += receipts

    def keep_replies(self, replies: list[Inbound]) -> None:
        self._there()
        self.replies += replies

    def keep_unread(self, entries: list[Unread]) -> None:
        raise AssertionError(entries)

    def keep_complaints(self, complaints: list[Complaint]) -> None:
        raise AssertionError(complaints)

    def unsubscribe(self, reference: int) -> None:
        raise AssertionError(reference)


def gateway_at(port: int, kept: Kept | None = None, **section: Any) -> SipCalls:
    settings = Settings.model_validate({"gateways": {"calls": {**OWN, "port": port, **section}}})
    opening = Opening(name="calls", channel="voice", call_seconds=100.0, keeper=kept)
    gateway = build(settings.gateways["calls"], opening)
    assert isinstance(gateway, SipCalls)
    return gateway


def messages(count: int = 1, text: str = "Hello.") -> list[Outgoing]:
    return [Outgoing(70 + n, f"+44163296000{n}", text) for n in range(1, count + 1)]


def send(gateway: SipCalls, what: list[Outgoing]) -> Answer:
    only = frozenset(one.reference for one in what)
    return gateway.send("key", what, per_request=1, only=only)
