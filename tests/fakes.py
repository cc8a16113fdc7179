"""Small honest stand-ins, handed in where the real part is slow, far away or has a clock of its own."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher

from clinic.gateway.protocol import Answer, GatewayClass, Outgoing, Taken, Turned


@functools.cache
def quick_hash(secret: str) -> str:
    """A secret's hash with the least cost, which it carries in itself; the product's own takes 0.1 s a look."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(secret)


class FakeClock:
    """A clock that goes only when told; `sleep` moves it on at once."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)) -> None:
        self.time = start
        self.slept = 0.0

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.slept += seconds

    def elapsed(self) -> float:
        return self.slept


class FakeGateway:
    """
    An honest gateway in memory: takes each key once (class I), or everything it is given (class B).

    `plan` says how it misbehaves, one word a call, then it behaves: `busy` and `refused` take
    nothing; `cut` takes everything and answers nothing; `half` takes and answers the first half;
    `reject` turns every message down.
    """

    def __init__(
        self,
        gateway_class: GatewayClass = "I",
        *,
        plan: Sequence[str] = (),
        per_request: int = 1000,
        window: timedelta | None = None,
        batch_limit: int = 1000,
        name: str = "fake",
        channel: str = "sms",
    ) -> None:
        self.name = name
        self.channel = channel
        self.gateway_class: GatewayClass = gateway_class
        self.window = window
        self.batch_limit = batch_limit
        self.per_request = per_request
        self.plan = list(plan)
        self.received: Counter[int] = Counter()
        self.keys: dict[str, dict[int, Taken | Turned]] = {}
        self.calls = 0

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        self.calls += 1
        word = self.plan.pop(0) if self.plan else "ok"
        if word in ("busy", "refused"):
            retry = 1.0 if word == "busy" else None
            return Answer(not_sent=frozenset(only), retry_after=retry)
        if word == "unauthorised":
            return Answer(not_sent=frozenset(only), halt="gateway-credentials")
        if word == "reject":
            return Answer({m.reference: Turned("number-barred", "barred") for m in messages})
        if self.gateway_class == "I" and key in self.keys:
            return Answer(self.keys[key], unlisted=frozenset(only - self.keys[key].keys()))
        taken = messages[: len(messages) // 2] if word == "half" else messages
        self.received.update(m.reference for m in taken)
        self.keys[key] = {m.reference: Taken(f"g{m.reference}") for m in taken}
        answered = self.keys[key]
        silent = frozenset(only - answered.keys())
        return Answer() if word == "cut" else Answer(answered, unlisted=silent)

    def close(self) -> None:
        self.keys.clear()


def mobile_of(n: int) -> str:
    """A mobile number that no other patient of a test has: Ofcom's fictitious ones are a thousand."""
    return f"07700900{n:03}" if n < 1000 else f"07400{n:06}"
