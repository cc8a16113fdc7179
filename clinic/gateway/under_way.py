"""How far open calls are: a batch of 1,000 takes many requests, and people watch a bar."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from clinic.gateway.protocol import Gateway
from clinic.gateway.tally import Tally


class UnderWay:
    """The tallies of a gateway's open calls; any thread may ask."""

    def __init__(self) -> None:
        self._open: list[Tally] = []

    @contextlib.contextmanager
    def call(self, asked: frozenset[int]) -> Iterator[Tally]:
        """A tally that counts while the block runs. Afterwards its answer is the ledger's to count."""
        tally = Tally(asked)
        self._open.append(tally)
        try:
            yield tally
        finally:
            self._open.remove(tally)

    def decided(self) -> int:
        """Of how many messages the gateway has said what becomes of them, in calls that have not returned."""
        return sum(tally.decided for tally in list(self._open))


@runtime_checkable
class Watched(Protocol):
    """A gateway that sends a batch in many requests, and tells how far it is."""

    under_way: UnderWay


def decided_by(gateway: Gateway) -> int:
    """As `UnderWay.decided`; nothing of a gateway that takes a batch as a whole."""
    return gateway.under_way.decided() if isinstance(gateway, Watched) else 0
