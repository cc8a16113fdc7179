"""The ways out, and the way back in."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class SmsGateway(BaseModel):
    """The HTTP way out (docs/gateways.md has its contract)."""

    url: str = Field(default="", description="Base address; empty: texts go to the outbox")
    token: SecretStr = Field(default=SecretStr(""), description="Bearer token")
    gateway_class: Literal["I", "R", "B"] = Field(
        default="I", description="What the provider promises"
    )
    window_hours: float = Field(default=24, description="How long it remembers an idempotency key")
    per_request: int = Field(default=100, ge=1, le=1000, description="Most messages a request")
    connections: int = Field(default=50, ge=1, le=500, description="Connections kept open")
    timeout_seconds: float = Field(default=15, gt=0, description="Longest wait for an answer")
    busy_is_refusal: bool = Field(
        default=False, description="The provider promises that after 503 it has taken nothing"
    )
    segment_cost: float = Field(
        default=0.0, ge=0, description="Price of one segment, for the review"
    )


class EmailGateway(BaseModel):
    """The SMTP way out."""

    host: str = Field(default="", description="Relay; empty: e-mails go to the outbox")
    port: int = Field(default=25, description="Its port")
    user: str = Field(default="", description="Login, if it asks for one")
    password: SecretStr = Field(default=SecretStr(""), description="Its password")
    tls: Literal["none", "starttls", "implicit"] = Field(
        default="starttls", description="Encryption"
    )
    sender: str = Field(default="practice@localhost", description="From: address")
    bounce_address: str = Field(default="", description="Envelope sender; empty: the sender")
    batch_limit: int = Field(
        default=50, ge=1, le=1000, description="Messages at risk of `unknown` at a crash"
    )
    connections: int = Field(default=4, ge=1, le=50, description="Connections kept open")
    timeout_seconds: float = Field(default=30, gt=0, description="Longest wait for an answer")


class Receipts(BaseModel):
    """What comes back: receipts, replies and unsubscriptions (docs/gateways.md has the contract)."""

    secret: SecretStr = Field(
        default=SecretStr(""),
        description="Shared with the gateway, which signs what it sends us with it, and with the "
        "addresses of unsubscribe links. At least 16 characters; empty: nothing is taken",
    )
    host: str = Field(default="127.0.0.1", description="Address that `cohort receipts serve` is on")
    port: int = Field(default=8444, ge=0, le=65535, description="Its port")
    public_url: str = Field(
        default="",
        description="How it is reached from outside, https://…; empty: e-mails carry no unsubscribe link",
    )
    pull: bool = Field(
        default=False, description="Fetch receipts and replies from sms.url too, for those lost"
    )
    channels: tuple[str, ...] = Field(
        default=("sms", "voice"), description="Channels whose network confirms every delivery"
    )
    no_receipt_hours: float = Field(
        default=72, gt=0, description="Sent for so long without a receipt: failed (ACX-34)"
    )
    keep_days: float = Field(
        default=400,
        ge=30,
        description="Receipts that were applied are forgotten after so long; the messages and the "
        "patients' records keep what came of them",
    )
