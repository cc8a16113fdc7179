"""Which gateways a channel has, and every kind of gateway that can be named."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from clinic.settings.gateways.cloud import Sns, Twilio
from clinic.settings.gateways.json_http import JsonGateway
from clinic.settings.gateways.notify import GovukNotify, NhsNotify
from clinic.settings.gateways.sip import SipTrunk
from clinic.settings.gateways.smpp import SmppGateway
from clinic.settings.gateways.smtp import SmtpGateway
from clinic.settings.gateways.voice import TwilioVoice
from clinic.settings.section import Section

# One more kind: its class here, and its type in clinic/gateway/named.py
GatewaySettings = Annotated[
    JsonGateway
    | GovukNotify
    | NhsNotify
    | Twilio
    | TwilioVoice
    | Sns
    | SipTrunk
    | SmppGateway
    | SmtpGateway,
    Field(discriminator="type"),
]
HTTP_SMS: Final = "http-sms"  # the gateway of [sms]
SMTP: Final = "smtp"  # the gateway of [email]
_ROUNDED: Final = 0.001


def section_of_gateway(name: str) -> str:
    """Where a gateway is set, by its name: sms, email, gateways.NAME."""
    return {HTTP_SMS: "sms", SMTP: "email"}.get(name, f"gateways.{name}")


class Route(Section):
    """By which gateways a channel leaves, and what is done where one of them takes nothing."""

    gateways: tuple[str, ...] = Field(
        default=(),
        max_length=4,
        description='Names of [gateways.NAME], the first choice first: ["notify", "acme"]; empty: [sms] for '
        "texts, [email] for e-mails",
    )
    failover: Literal["off", "order", "share"] = Field(
        default="off",
        description="off: the first sends alone; order: the first that is not out; share: each its part of the "
        "batches (docs/gateways.md)",
    )
    share: dict[str, float] = Field(
        default={},
        description='With failover = "share": each gateway\'s part, { notify = 0.7, acme = 0.3 }',
    )
    failover_after_seconds: float = Field(
        default=60,
        ge=1,
        le=86_400,
        description="A gateway that took nothing for so long is out: others send instead",
    )
    try_again_seconds: float = Field(
        default=300,
        ge=1,
        le=86_400,
        description="One that is out is tried again with one batch after so long",
    )

    fallback: Literal["off", "sms", "email", "voice"] = Field(
        default="off",
        description="By which channel `cohort message` reaches whoever this one cannot: who has no address for "
        "it, and whose message proves undeliverable (docs/gateways.md)",
    )
    fallback_after_hours: int = Field(
        default=24,
        ge=1,
        le=168,
        description="With `fallback`: so long after a message that proves undeliverable",
    )

    @property
    def in_use(self) -> tuple[str, ...]:
        """Those that messages are sent through, the first choice first."""
        return self.gateways[:1] if self.failover == "off" else self.gateways

    @model_validator(mode="after")
    def _makes_sense(self) -> Route:
        if len(set(self.gateways)) < len(self.gateways):
            raise ValueError("gateways: name each gateway once")
        if self.failover != "off" and len(self.gateways) < 2:
            raise ValueError(f'failover = "{self.failover}" needs two gateways or more')
        if self.failover != "share":
            if self.share:
                raise ValueError('share is for failover = "share"; take it out, or say that')
            return self
        if self.share.keys() != set(self.gateways):
            raise ValueError(
                f"share: give each of {', '.join(self.gateways)} its part, and nobody else"
            )
        if min(self.share.values()) <= 0 or abs(sum(self.share.values()) - 1) > _ROUNDED:
            raise ValueError("share: write parts above 0 that are 1 together, such as 0.7 and 0.3")
        return self


class Channels(Section):
    """Which gateways of [gateways.NAME] send by which channel."""

    sms: Route = Route()
    email: Route = Route()
    voice: Route = Route()

    @model_validator(mode="after")
    def _falls_back_on_another(self) -> Channels:
        for name in ("sms", "email", "voice"):
            if getattr(self, name).fallback == name:
                raise ValueError(f"{name}: fallback is another channel than {name} itself")
        return self
