"""The dry run's gateway: answers as a real one would, and nothing is sent (NEW-13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from clinic.gateway.protocol import Answer, GatewayClass, Outgoing, Taken


class RehearsalGateway:
    """Takes everything, keeps nothing. Batches are cut as the real gateway would have them."""

    gateway_class: GatewayClass = "I"
    window: timedelta | None = None
    name = "rehearsal"

    def __init__(self, channel: str, *, batch_limit: int, per_request: int) -> None:
        self.channel = channel
        self.batch_limit = batch_limit
        self.per_request = per_request

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        """Say that each was taken."""
        return Answer({reference: Taken(f"rehearsal-{reference}", True) for reference in only})

    def close(self) -> None:
        """Nothing to give back."""
