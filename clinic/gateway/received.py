"""What comes back from gateways, whichever way, and who keeps it. Here is no rule about messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Said = Literal["accepted", "delivered", "undelivered", "rejected"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    What a gateway or a network says of one message.

    event_id: the gateway's own, unique with it; reference: our message id, None if it named none
    reason, says: of undelivered and rejected: a code, and the gateway's words
    gateway_ref: where it names no reference: the gateway's id of the message, or of a part of it; with it
        recipient: whom it was sent to, and mark: the last 16 bits of our message id, if it gave them back
    """

    gateway: str
    event_id: str
    reference: int | None
    outcome: Said
    reason: str | None = None
    says: str | None = None
    happened_at: datetime | None = None
    gateway_ref: str | None = None
    recipient: str | None = None
    mark: int | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """A text that somebody sent us. `sender` as the gateway wrote it; `happened_at` None: now."""

    gateway: str
    event_id: str
    channel: str
    sender: str
    text: str
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """Somebody told their mail service that our message is spam; `reference`: which message."""

    gateway: str
    event_id: str
    reference: int
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry that was not understood, and why; `digest` is the same when it comes again."""

    gateway: str
    digest: str
    why: str
    body: str


class Keeper(Protocol):
    """Keeps what came, on disk when it returns. Called from threads; each call may be repeated."""

    def keep_receipts(self, receipts: list[Receipt]) -> object:
        """Keep receipts."""

    def keep_replies(self, replies: list[Inbound]) -> object:
        """Keep replies, and let keywords act."""

    def keep_unread(self, entries: list[Unread]) -> object:
        """Keep what was not understood, for a person."""

    def keep_complaints(self, complaints: list[Complaint]) -> object:
        """List complaints for a person, among the replies."""

    def unsubscribe(self, reference: int) -> object:
        """The person whom this message went to wants no more of its channel."""
