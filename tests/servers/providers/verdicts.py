"""What a gateway's answer says of a message, and one call of a gateway of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clinic.gateway.named import build
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Answer, Gateway, Outgoing, Taken, Turned
from clinic.settings import Settings
from tests.fakes import FakeClock

HELLO = [Outgoing(reference=7, to="+447700900123", body="Sut mae, Siân?")]


def patience(means: str) -> dict[str, float]:
    """A short time-out where nobody can say what became of it, which no slow machine changes."""
    return {"timeout_seconds": 2.0} if means == "ambiguous" else {}


def verdict(answer: Answer, reference: int = 7) -> str:
    """taken, turned, not sent, or ambiguous: exactly one, whatever the answer."""
    said = [reference in answer.results, reference in answer.not_sent]
    assert said.count(True) <= 1
    if said[1]:
        return "not sent"
    result = answer.results.get(reference)
    return {Taken: "taken", Turned: "turned"}.get(type(result), "ambiguous")


def built(
    kind: str, channel: str = "sms", clock: FakeClock | None = None, **section: Any
) -> Gateway:
    """A gateway of a section [gateways.mine]."""
    values = {"gateways": {"mine": {"type": kind, "timeout_seconds": 60.0, **section}}}
    settings = Settings.model_validate(values)
    opening = Opening(name="mine", channel=channel, clock=clock or FakeClock())
    return build(settings.gateways["mine"], opening)


def send(gateway: Gateway, messages: Sequence[Outgoing] = HELLO, key: str = "k") -> Answer:
    """One call, and the gateway's end."""
    try:
        return gateway.send(
            key, messages, per_request=gateway.per_request,
            only=frozenset(m.reference for m in messages),
        )  # fmt: skip
    finally:
        gateway.close()
