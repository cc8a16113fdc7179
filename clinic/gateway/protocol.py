"""
What the ledger needs of a gateway.

A gateway's *class* says what can be known after a crash or a broken answer, and so how the ledger
recovers. It is a promise of the gateway, written in the settings and stored with every submission:

    I  takes an idempotency key: the same bytes with the same key are sent once    → replay
    R  knows our reference of each message and answers "already have it"           → replay
    B  blind: an open intent without an answer can only be `unknown`               → list, never re-send

`send` is called with no database transaction open. It may be called again with the very same
submission after a crash (`replay=True`), and then sends the same bytes with the same keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

GatewayClass = Literal["I", "R", "B"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    One message as the gateway gets it. `reference` is our message id: it comes back in receipts.

    nhs_number: filled for gateways that want it (`wants_nhs_number`) and where the record has it
    """

    reference: int
    to: str
    body: str
    subject: str | None = None
    nhs_number: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """
    The gateway has it. `delivered`: the gateway is the last stop, no receipt will follow.

    parts: the gateway's id of each part of a long message, or of the one there is, where receipts name these
        ids and not our reference
    """

    gateway_ref: str
    delivered: bool = False
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turned:
    """The gateway will never take this message: a code of ours and what it said (no patient data)."""

    code: str
    says: str


@dataclass(frozen=True)
class Answer:
    """
    What is known after a call. A message is in at most one of the three; in none, or
    in `unlisted`, it is ambiguous.

    results: what the gateway said of each message, by reference
    not_sent: references proven not to have been taken by *this* call (429, connection refused);
        whether an earlier call of the same submission took them, only the ledger knows
    unlisted: references of a request that was answered in good form without a word on them: to ask
        a class I gateway again would bring the same answer
    retry_after: seconds to wait before the next call; None: the ledger's own back-off
    halt: a code, when a person must look before anything more is sent (401, same key other body)
    trouble: why something of it was not taken, in a sentence without patient data; empty: nothing to say
    strays: entries of the answer that were ignored: references never asked about, or named twice
    """

    results: Mapping[int, Taken | Turned] = field(default_factory=dict)
    not_sent: frozenset[int] = frozenset()
    unlisted: frozenset[int] = frozenset()
    retry_after: float | None = None
    halt: str | None = None
    trouble: str = ""
    strays: int = 0


class Gateway(Protocol):
    """A gateway."""

    name: str
    channel: str
    gateway_class: GatewayClass
    window: timedelta | None  # how long it remembers a key or reference; None: for ever
    batch_limit: (
        int  # most messages a submission may hold (blind gateways: few, they bound `unknown`)
    )
    per_request: int  # most messages one request may hold

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        """
        Send a submission.

        Args:
            key: the submission's idempotency key; part `i` of it has the key `{key}/{i}`
            messages: *all* members, in the order of their references: they are cut into parts of
                `per_request`, so that a replay makes the same parts
            only: references still without an answer; parts without any of them are not sent
        """

    def close(self) -> None:
        """Give back connections."""
