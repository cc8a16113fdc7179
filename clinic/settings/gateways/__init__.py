"""The gateways, and the way back in."""

from clinic.settings.gateways.channel import EmailGateway, Receipts, SmsGateway
from clinic.settings.gateways.named import CallsBack, GatewayName, HttpGateway, NamedGateway
from clinic.settings.gateways.parts import Channel, Processor
from clinic.settings.gateways.route import (
    HTTP_SMS,
    SMTP,
    Channels,
    GatewaySettings,
    Route,
    section_of_gateway,
)

__all__ = [
    "HTTP_SMS",
    "SMTP",
    "CallsBack",
    "Channel",
    "Channels",
    "EmailGateway",
    "GatewayName",
    "GatewaySettings",
    "HttpGateway",
    "NamedGateway",
    "Processor",
    "Receipts",
    "Route",
    "SmsGateway",
    "section_of_gateway",
]
