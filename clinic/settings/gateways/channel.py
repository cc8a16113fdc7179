"""The first gateway of each channel, and the way back in."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from clinic.settings.gateways.parts import Channel, HeaderSecret, Processor, Proxy, WebAddress
from clinic.settings.gateways.relay import Relay
from clinic.settings.section import Section


class SmsGateway(Section):
    """The HTTP gateway (docs/gateways.md has its contract)."""

    url: WebAddress = Field(
        default="", description="Base address; empty: there is no gateway for texts"
    )
    token: HeaderSecret = Field(default=SecretStr(""), description="Bearer token")
    token_file: str = Field(
        default="",
        description="A file with the token, for its owner alone, instead of the token here",
    )
    gateway_class: Literal["I", "R", "B"] = Field(
        default="B",
        description="What the provider promises (docs/gateways.md): I: the same key again is sent once; "
        "R: it can be asked what became of a message; B: neither. To be set with the url",
    )
    window_hours: float = Field(
        default=24, gt=0, description="How long it remembers an idempotency key"
    )
    per_request: int = Field(default=100, ge=1, le=1000, description="Most messages per request")
    connections: int = Field(default=50, ge=1, le=500, description="Connections kept open")
    timeout_seconds: float = Field(default=15, gt=0, description="Longest wait for an answer")
    busy_is_refusal: bool = Field(
        default=False, description="The provider promises that after 503 it has taken nothing"
    )
    sent_list: bool = Field(
        default=False,
        description="The provider lists what it took: GET {url}/messages?since=… (docs/gateways.md). It is "
        "asked after a restore",
    )
    segment_cost: float = Field(
        default=0.0, ge=0, description="Price of one segment, for the review"
    )
    proxy_url: Proxy = Field(
        default="",
        description="HTTP proxy on the way to the gateway, http://proxy.example:3128; empty: none. Variables "
        "such as HTTPS_PROXY do not count. Texts alone: e-mail (SMTP) reaches its relay without one",
    )

    processor: Processor = Processor()

    @model_validator(mode="after")
    def _class_is_said(self) -> SmsGateway:
        # Nobody's default: taken for I, a provider that forgets keys texts people twice
        if self.url and "gateway_class" not in self.model_fields_set:
            raise ValueError(
                'gateway_class is not set: write gateway_class = "I", "R" or "B" beside the url, as the '
                "provider promises (docs/gateways.md); when in doubt, B"
            )
        return self


class EmailGateway(Relay):
    """The SMTP gateway."""

    processor: Processor = Processor()


class Receipts(Section):
    """What comes back: receipts, replies and unsubscribe requests (docs/gateways.md has the contract)."""

    secret: SecretStr = Field(
        default=SecretStr(""),
        description="Shared with the gateway, which signs what it sends us with it, and with the "
        "addresses of unsubscribe links. At least 16 characters; empty: nothing is taken",
    )
    secret_file: str = Field(
        default="", description="A file with the secret, for its owner alone, instead of it here"
    )
    host: str = Field(default="127.0.0.1", description="Address that `cohort receipts serve` is on")
    port: int = Field(default=8444, ge=0, le=65535, description="Its port")
    smtp_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port on which it takes reports on e-mails by SMTP, from a relay that brings them there; "
        "for gateways of type smtp with verp. 0: it takes none",
    )
    public_url: WebAddress = Field(
        default="",
        description="How it is reached from outside, https://…; empty: e-mails carry no unsubscribe link",
    )
    pull: bool = Field(
        default=False, description="Fetch receipts and replies from sms.url too, for those lost"
    )
    channels: tuple[Channel, ...] = Field(
        default=("sms", "voice"), description="Channels whose network confirms every delivery"
    )
    no_receipt_hours: float = Field(
        default=72, gt=0, description="Sent for so long without a receipt: failed (ACX-34)"
    )
    keep_days: float = Field(
        default=90,
        ge=30,
        description="Receipts that were applied are forgotten after so long; the messages and the "
        "patients' records keep what came of them",
    )
