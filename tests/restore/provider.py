"""
A gateway in memory that keeps its own book: of every text that it took, to whom and when.

    I   a key is carried out once, and remembered for the window; other bytes under it are refused
    R   a reference is carried out once
    B   whatever it is given
    L   as B, but it can be asked what it took since a time

`refuse` makes it tell every second request of the next calls to wait, as providers do: what was refused comes
again under another key.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from clinic.gateway.incoming.sent_list import as_evidence
from clinic.gateway.protocol import Answer, GatewayClass, Outgoing, Taken, Turned
from clinic.gateway.received import Receipt
from tests.fakes import FakeClock


class Provider:
    """One for all machines of a practice, whichever of them is lost."""

    name = "fake"
    channel = "sms"
    batch_limit = 1000
    per_request = 4

    def __init__(self, promise: str, clock: FakeClock) -> None:
        self.promise, self._clock = promise, clock
        self.gateway_class: GatewayClass = "B" if promise == "L" else promise  # type: ignore[assignment]
        self.window: timedelta | None = timedelta(hours=24)
        self.texts: Counter[tuple[str, str]] = Counter()  # what a patient's phone shows, how often
        self.taken: list[tuple[int, datetime]] = []
        self.refuse = 0
        self._keys: dict[str, tuple[str, datetime]] = {}
        self._known: set[int] = set()

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        results: dict[int, Taken | Turned] = {}
        not_sent: set[int] = set()
        for part in range(0, len(messages), per_request):
            members = messages[part : part + per_request]
            names = {one.reference for one in members}
            if not names & only:
                continue
            if self.refuse and part // per_request % 2:
                not_sent |= names
            elif not self._carry_out(f"{key}/{part // per_request}", members):
                return Answer(results, not_sent=only - results.keys(), halt="gateway-key-reused")
            else:
                results |= {name: Taken(f"g{name}") for name in names}
        self.refuse = max(0, self.refuse - 1)
        return Answer(results, not_sent=frozenset(not_sent), retry_after=0.0 if not_sent else None)

    def _carry_out(self, key: str, members: Sequence[Outgoing]) -> bool:
        now = self._clock.now()
        if self.promise == "I":
            said = hashlib.sha256(repr(members).encode()).hexdigest()
            known, at = self._keys.get(key, ("", now))
            if known and now < at + timedelta(hours=24):
                return known == said
            self._keys[key] = said, now
        for one in members:
            if self.promise == "R" and one.reference in self._known:
                continue
            self._known.add(one.reference)
            self.texts[one.to, one.body] += 1
            self.taken.append((one.reference, now))
        return True

    def sent_since(self, since: datetime) -> list[Receipt]:
        """Its list, in the order of its book."""
        return [
            as_evidence(Receipt("fake", "", reference, "accepted", happened_at=at))
            for reference, at in self.taken
            if at >= since
        ]

    def close(self) -> None:
        """It has no connections."""
