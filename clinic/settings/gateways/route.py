"""Which gateway a channel has, and every kind of gateway that can be named."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from clinic.settings.gateways.cloud import Sns, Twilio
from clinic.settings.gateways.json_http import JsonGateway
from clinic.settings.gateways.notify import GovukNotify, NhsNotify
from clinic.settings.gateways.smpp import SmppGateway
from clinic.settings.gateways.smtp import SmtpGateway
from clinic.settings.section import Section

# One more kind: its class here, and its type in clinic/gateway/named.py
GatewaySettings = Annotated[
    JsonGateway | GovukNotify | NhsNotify | Twilio | Sns | SmppGateway | SmtpGateway,
    Field(discriminator="type"),
]
HTTP_SMS: Final = "http-sms"  # the gateway of [sms]
SMTP: Final = "smtp"  # the gateway of [email]


def section_of_gateway(name: str) -> str:
    """Where a gateway is set, by its name: sms, email, gateways.NAME."""
    return {HTTP_SMS: "sms", SMTP: "email"}.get(name, f"gateways.{name}")


class Route(Section):
    """By which gateway a channel leaves."""

    gateways: tuple[str, ...] = Field(
        default=(),
        max_length=1,
        description='The name of one [gateways.NAME]: ["notify"]; empty: [sms] for texts, [email] for e-mails',
    )  # fmt: skip


class Channels(Section):
    """Which gateways of [gateways.NAME] send by which channel."""

    sms: Route = Route()
    email: Route = Route()
    voice: Route = Route()
